//! Where a request comes from: the peer of its connection or, behind trusted proxies, whom these name.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header::FORWARDED};
use ipnet::IpNet;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The other end of a connection: an extension of each request.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Whose word about the client's address counts, and where it stands.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    /// None: all headers are ignored.
    pub trusted: Vec<IpNet>,
    /// The one that the proxies write. The other may come from anybody.
    pub header: ForwardedHeader,
}

/// In which header proxies name the client.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`: addresses, separated by commas.
    #[default]
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

impl Proxies {
    /// Of a request.
    pub(super) fn client_address(&self, parts: &Parts) -> IpAddr {
        self.behind(peer(parts), &parts.headers)
    }

    /// Whether a request comes from a trusted proxy, whose headers count.
    pub(super) fn trusts_peer_of(&self, parts: &Parts) -> bool {
        self.is_trusted(peer(parts).to_canonical())
    }

    /// The last address on the way here that is no trusted proxy's. What cannot be read ends the way.
    fn behind(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut address = peer.to_canonical();
        if !self.is_trusted(address) {
            return address;
        }
        let name = match self.header {
            ForwardedHeader::XForwardedFor => X_FORWARDED_FOR,
            ForwardedHeader::Forwarded => FORWARDED,
        };
        let values: Vec<_> = headers.get_all(name).iter().map(|value| value.to_str().unwrap_or_default()).collect();
        for hop in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            let named = match self.header {
                ForwardedHeader::XForwardedFor => node(hop),
                ForwardedHeader::Forwarded => forwarded_for(hop),
            };
            let Some(named) = named else {
                return address;
            };
            address = named.to_canonical();
            if !self.is_trusted(address) {
                return address;
            }
        }
        address
    }

    fn is_trusted(&self, address: IpAddr) -> bool {
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

fn peer(parts: &Parts) -> IpAddr {
    parts.extensions.get::<Peer>().map_or(Ipv4Addr::UNSPECIFIED.into(), |Peer(peer)| *peer)
}

/// `for=192.0.2.43;proto=https`, the address perhaps in quotes (RFC 7239, section 4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let mut pairs = element.split(';').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.find(|(name, _)| name.trim().eq_ignore_ascii_case("for"))?;
    node(value.trim().trim_matches('"'))
}

/// An address, perhaps with a port; of IPv6, perhaps in brackets.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    bare.parse().ok().or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_trusted_proxies_say_counts() {
        let trusted: Vec<IpNet> = ["10.0.0.0/8", "fd00::/8"].iter().map(|text| text.parse().unwrap()).collect();
        let cases: &[(&str, &[&str], &str)] = &[
            ("192.0.2.9", &["203.0.113.1"], "192.0.2.9"),
            ("10.0.0.1", &[], "10.0.0.1"),
            ("::ffff:10.0.0.1", &["203.0.113.1"], "203.0.113.1"),
            ("10.0.0.1", &["1.1.1.1, 203.0.113.1"], "203.0.113.1"),
            ("10.0.0.1", &["1.1.1.1", "203.0.113.1, 10.0.0.2"], "203.0.113.1"),
            ("10.0.0.1", &["203.0.113.1", "10.0.0.3 , 10.0.0.2"], "203.0.113.1"),
            ("10.0.0.1", &["203.0.113.1:4711"], "203.0.113.1"),
            ("fd00::1", &["[2001:db8::1]:4711"], "2001:db8::1"),
            ("fd00::1", &["2001:db8::1"], "2001:db8::1"),
            ("10.0.0.1", &["203.0.113.1, nobody"], "10.0.0.1"),
            ("10.0.0.1", &["203.0.113.1, nobody, 10.0.0.2"], "10.0.0.2"),
            ("10.0.0.1", &["10.0.0.7"], "10.0.0.7"),
        ];
        for (peer, values, expected) in cases {
            let mut headers = HeaderMap::new();
            for value in *values {
                headers.append(X_FORWARDED_FOR, value.parse().unwrap());
            }
            let proxies = Proxies { trusted: trusted.clone(), header: ForwardedHeader::XForwardedFor };
            let found = proxies.behind(peer.parse().unwrap(), &headers);
            assert_eq!(found.to_string(), *expected, "{peer} {values:?}");
            let none = Proxies::default().behind(peer.parse().unwrap(), &headers);
            assert_eq!(none, peer.parse::<IpAddr>().unwrap().to_canonical());
        }
    }

    #[test]
    fn one_header_is_read_and_the_other_ignored() {
        let mut headers = HeaderMap::new();
        headers.append(FORWARDED, "for=203.0.113.1;proto=https, For=\"[2001:db8::1]:4711\"".parse().unwrap());
        headers.append(X_FORWARDED_FOR, "198.51.100.1".parse().unwrap());
        let behind = |header| {
            let proxies = Proxies { trusted: vec!["10.0.0.0/8".parse().unwrap()], header };
            proxies.behind("10.0.0.1".parse().unwrap(), &headers).to_string()
        };
        assert_eq!(behind(ForwardedHeader::Forwarded), "2001:db8::1");
        assert_eq!(behind(ForwardedHeader::XForwardedFor), "198.51.100.1");
    }
}
