//! Where clients reach the server: `PUBLIC_URL`, or what trusted proxies say, or the header `Host`.

use axum::http::HeaderMap;
use axum::http::HeaderName;
use axum::http::header::{FORWARDED, HOST};
use axum::http::request::Parts;

use super::Services;
use super::client_address::{ForwardedHeader, Proxies};

const X_FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const X_FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
/// A name of 253 characters (RFC 1035), a colon and a port.
const HOST_BYTES_MAX: usize = 259;

impl Services {
    /// Without a slash at its end. None: the request names no usable host.
    pub(super) fn base_url(&self, parts: &Parts) -> Option<String> {
        if let Some(url) = &self.public_url {
            return Some(url.to_string());
        }
        let (scheme, host) = forwarded(&self.limits.proxies, parts);
        let scheme = match scheme.as_deref() {
            Some(scheme) if scheme.eq_ignore_ascii_case("https") => "https",
            _ => "http",
        };
        let named = || parts.headers.get(HOST).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let host = host.or_else(|| parts.uri.authority().map(ToString::to_string)).or_else(named)?;
        is_host(&host).then(|| [scheme, "://", &host].concat())
    }
}

/// Scheme and host that the proxy next to the server names, if it is trusted.
fn forwarded(proxies: &Proxies, parts: &Parts) -> (Option<String>, Option<String>) {
    if !proxies.trusts_peer_of(parts) {
        return (None, None);
    }
    match proxies.header {
        ForwardedHeader::XForwardedFor => {
            (last(&parts.headers, &X_FORWARDED_PROTO), last(&parts.headers, &X_FORWARDED_HOST))
        }
        ForwardedHeader::Forwarded => {
            let element = last(&parts.headers, &FORWARDED).unwrap_or_default();
            let pair = |wanted: &str| {
                let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
                let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case(wanted))?;
                Some(value.trim().trim_matches('"').to_owned())
            };
            (pair("proto"), pair("host"))
        }
    }
}

/// The last member of a list: what comes before may be a client's.
fn last(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(|member| member.trim().to_owned()).filter(|member| !member.is_empty())
}

/// A name, an IPv4 address or an IPv6 address in brackets, perhaps with a port (RFC 3986, section 3.2, without user and escapes).
pub(super) fn is_host(text: &str) -> bool {
    let is_port = |port: &str| !port.is_empty() && port.parse::<u16>().is_ok();
    if text.len() > HOST_BYTES_MAX {
        return false;
    }
    if let Some(rest) = text.strip_prefix('[') {
        let Some((address, port)) = rest.split_once(']') else { return false };
        let is_port = port.is_empty() || port.strip_prefix(':').is_some_and(is_port);
        return is_port && address.parse::<std::net::Ipv6Addr>().is_ok();
    }
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let is_name = !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"-._".contains(&it));
    is_name && port.is_none_or(is_port)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use axum::http::Request;

    use super::*;
    use crate::http::client_address::Peer;

    #[test]
    fn only_trusted_proxies_say_where_the_server_is() {
        let headers = [
            ("x-forwarded-host", "evil.example, api.example.org:8443"),
            ("x-forwarded-proto", "https"),
            ("forwarded", "for=1.1.1.1;host=evil.example, for=203.0.113.1;proto=https;host=\"other.example.org\""),
        ];
        let named = |peer: Ipv4Addr, header| {
            let mut request = Request::get("/");
            for (name, value) in headers {
                request = request.header(name, value);
            }
            let (parts, ()) = request.extension(Peer(peer.into())).body(()).unwrap().into_parts();
            forwarded(&Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap()], header }, &parts)
        };
        let told = |scheme: &str, host: &str| (Some(scheme.to_owned()), Some(host.to_owned()));
        let proxy = Ipv4Addr::new(10, 0, 0, 1);
        assert_eq!(named(proxy, ForwardedHeader::XForwardedFor), told("https", "api.example.org:8443"));
        assert_eq!(named(proxy, ForwardedHeader::Forwarded), told("https", "other.example.org"));
        assert_eq!(named(Ipv4Addr::new(192, 0, 2, 1), ForwardedHeader::XForwardedFor), (None, None));
    }

    #[test]
    fn a_host_is_a_name_or_an_address_and_perhaps_a_port() {
        let hosts = ["test", "api.example.org:8443", "127.0.0.1:4000", "[::1]:80", "[2001:db8::1]", "my_host"];
        let others = [
            "",
            ":80",
            "a:",
            "a:x",
            "a:80:80",
            "a:65536",
            "a/b",
            "a b",
            "a@b",
            "x\"+n.secret+\"",
            "é",
            "[::1",
            "[x]",
            "[::1]80",
            "::1",
            "a#",
            "a?",
            "<a>",
        ];
        assert!(hosts.iter().all(|host| is_host(host)));
        for host in others {
            assert!(!is_host(host), "{host}");
        }
        assert!(!is_host(&"a".repeat(260)));
    }
}
