//! API keys made here: `clef_`, 30 random letters and digits, and 6 that check them.
//!
//! After GitHub's tokens: the prefix lets scanners find keys in repositories, the checksum spares them false finds.

use rand::TryCryptoRng;
use secrecy::SecretString;

const PREFIX: &str = "clef_";
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Of 62 characters each: 178 bits.
const RANDOM_CHARACTERS: usize = 30;
const CHECKSUM_CHARACTERS: usize = 6;

/// What an API key looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ApiKeyForm {
    /// Made here.
    Made,
    /// Made here, and mistyped or cut since.
    Damaged,
    /// Anything else.
    Other,
}

/// A new key.
///
/// # Errors
///
/// There are no random numbers.
pub fn generate<R: TryCryptoRng>(random: &mut R) -> Result<SecretString, R::Error> {
    let mut text = PREFIX.to_owned();
    let mut bytes = [0; 64];
    while text.len() < PREFIX.len() + RANDOM_CHARACTERS {
        random.try_fill_bytes(&mut bytes)?;
        // 248 is the last multiple of 62 in a byte: what is above would favour some characters.
        let characters =
            bytes.iter().filter(|byte| **byte < 248).filter_map(|byte| ALPHABET.get(usize::from(byte % 62)));
        text.extend(characters.take(PREFIX.len() + RANDOM_CHARACTERS - text.len()).copied().map(char::from));
    }
    let checksum = checksum(&text);
    Ok([text, checksum].concat().into())
}

/// Whether a key is one made here.
pub fn form(api_key: &str) -> ApiKeyForm {
    let is_alphabetic = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric());
    if !api_key.strip_prefix(PREFIX).is_some_and(is_alphabetic) {
        return ApiKeyForm::Other;
    }
    match api_key.split_at_checked(PREFIX.len() + RANDOM_CHARACTERS) {
        Some((text, found)) if found == checksum(text) => ApiKeyForm::Made,
        _ => ApiKeyForm::Damaged,
    }
}

/// CRC-32 in base 62, its highest digit first.
fn checksum(text: &str) -> String {
    let mut rest = crc32fast::hash(text.as_bytes());
    let mut digits = [b'0'; CHECKSUM_CHARACTERS];
    for digit in digits.iter_mut().rev() {
        *digit = ALPHABET.get(rest as usize % 62).copied().unwrap_or(b'0');
        rest /= 62;
    }
    digits.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use rand::rngs::OsRng;
    use secrecy::ExposeSecret;

    use super::*;

    #[test]
    fn a_key_is_known_again_and_a_damaged_one_is_not() {
        let mut seen = std::collections::HashSet::new();
        for _ in 0..1000 {
            let key = generate(&mut OsRng).unwrap();
            let key = key.expose_secret();
            assert_eq!((key.len(), form(key)), (41, ApiKeyForm::Made), "{key}");
            let mut mistyped = key.to_owned();
            mistyped.replace_range(9..10, if &key[9..10] == "x" { "y" } else { "x" });
            assert_eq!(form(&mistyped), ApiKeyForm::Damaged, "{mistyped}");
            assert_eq!(form(&key[..40]), ApiKeyForm::Damaged);
            assert!(seen.insert(key.to_owned()));
        }
        assert_eq!(form("clef_000000000000000000000000000000"), ApiKeyForm::Damaged);
        for other in ["", "clef", "clef_dev_0123", "aGVsbG8="] {
            assert_eq!(form(other), ApiKeyForm::Other, "{other}");
        }
    }
}
