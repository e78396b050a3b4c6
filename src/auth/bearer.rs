//! The header `Authorization: Bearer <token>` (RFC 6750, section 2.1).

/// There is a header, but it holds no bearer token.
pub(super) struct Malformed;

/// The token in the values of the header, if there is one.
///
/// The CE-API also took a token without its scheme; that would let any other scheme's credentials be tried as one.
pub(super) fn token<'value>(values: impl IntoIterator<Item = &'value [u8]>) -> Result<Option<&'value str>, Malformed> {
    let mut values = values.into_iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() || !value.is_ascii() {
        return Err(Malformed);
    }
    let value = str::from_utf8(value.trim_ascii()).map_err(|_| Malformed)?;
    if value.is_empty() {
        return Ok(None);
    }
    match value.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(Some(token.trim_ascii_start())),
        _ => Err(Malformed),
    }
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn only_one_bearer_token_is_read() {
        type Row<'row> = (&'row [&'row [u8]], Result<Option<&'row str>, ()>);
        let cases: &[Row<'_>] = &[
            (&[], Ok(None)),
            (&[b""], Ok(None)),
            (&[b" \t "], Ok(None)),
            (&[b"Bearer a.b.c"], Ok(Some("a.b.c"))),
            (&[b"bearer a.b.c"], Ok(Some("a.b.c"))),
            (&[b"BEARER   a.b.c "], Ok(Some("a.b.c"))),
            (&[b"a.b.c"], Err(())),
            (&[b"Bearer"], Err(())),
            (&[b"Bearera.b.c"], Err(())),
            (&[b"Basic a.b.c"], Err(())),
            (&[b"JWT a.b.c"], Err(())),
            (&[b"Bearer\ta.b.c"], Err(())),
            (&[b"Bearer a.b.\xff"], Err(())),
            (&["Bearer é".as_bytes()], Err(())),
            (&[b"Bearer a", b"Bearer a"], Err(())),
            (&[b"", b""], Err(())),
        ];
        for (values, expected) in cases {
            let found = token(values.iter().copied()).map_err(|_| ());
            assert_eq!(found, *expected, "{values:?}");
        }
    }
}
