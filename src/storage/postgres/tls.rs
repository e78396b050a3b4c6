//! TLS to the server, with the meaning that libpq gives to `sslmode`, `sslrootcert`, `sslcert` and `sslkey` (PostgreSQL's manual, section 34.19).
//!
//! The roots are those of the file alone, or else those of the system.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use percent_encoding::percent_decode_str;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres::config::SslMode;

use super::place::FORM;
use crate::storage::error::OpenError;

type Cause = Box<dyn std::error::Error + Send + Sync>;

/// What `sslmode` may say.
const MODES: &str = "`sslmode` is `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`";

/// How sure the connection has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Mode {
    /// No TLS.
    Disable,
    /// TLS if the server speaks it; nothing is verified.
    #[default]
    Prefer,
    /// TLS; nothing is verified, unless there is a file of roots.
    Require,
    /// TLS, and the certificate goes back to a root.
    VerifyCa,
    /// As before, and it is that of the host.
    VerifyFull,
}

/// What an address says about TLS.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Wish {
    pub(super) mode: Mode,
    root_certificates: Option<PathBuf>,
    certificate: Option<PathBuf>,
    key: Option<PathBuf>,
}

impl Wish {
    /// Takes what concerns TLS out of an address: what is left, and what it said; or what to write instead.
    pub(super) fn split(url: &str) -> Result<(String, Self), &'static str> {
        let mut wish = Self::default();
        // A password may hold a question mark.
        let start = url.find('@').unwrap_or_default();
        let (before, after) = url.split_at(start);
        let Some((rest, query)) = after.split_once('?') else { return Ok((url.to_owned(), wish)) };
        let mut left = Vec::new();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = percent_decode_str(value).decode_utf8().map_err(|_| FORM)?;
            let file = || Some(PathBuf::from(&*value)).filter(|file| !file.as_os_str().is_empty());
            match name {
                "sslmode" => wish.mode = Mode::of(&value).ok_or(MODES)?,
                "sslrootcert" if value == "system" => wish.root_certificates = None,
                "sslrootcert" => wish.root_certificates = file(),
                "sslcert" => wish.certificate = file(),
                "sslkey" => wish.key = file(),
                _ => left.push(pair),
            }
        }
        if wish.certificate.is_some() != wish.key.is_some() {
            return Err("`sslcert` and `sslkey` go together");
        }
        if wish.mode == Mode::Require && wish.root_certificates.is_some() {
            // As libpq does.
            wish.mode = Mode::VerifyCa;
        }
        let separator = if left.is_empty() { "" } else { "?" };
        Ok(([before, rest, separator, &left.join("&")].concat(), wish))
    }

    /// What makes connections as wished. Reads files.
    pub(super) fn config(&self) -> Result<ClientConfig, OpenError> {
        let provider = Arc::new(ring::default_provider());
        let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
            .with_safe_default_protocol_versions()
            .map_err(|error| unreadable(Path::new("TLS"), error.into()))?;
        let verifier = self.verifier(provider)?;
        let builder = builder.dangerous().with_custom_certificate_verifier(verifier);
        let (Some(certificate), Some(key)) = (&self.certificate, &self.key) else {
            return Ok(builder.with_no_client_auth());
        };
        let chain = certificates(certificate)?;
        let secret = PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable(key, error.into()))?;
        builder.with_client_auth_cert(chain, secret).map_err(|error| unreadable(certificate, error.into()))
    }

    fn verifier(&self, provider: Arc<CryptoProvider>) -> Result<Arc<dyn ServerCertVerifier>, OpenError> {
        if !matches!(self.mode, Mode::VerifyCa | Mode::VerifyFull) {
            return Ok(Arc::new(AnyCertificate(provider)));
        }
        let mut roots = RootCertStore::empty();
        let file = self.root_certificates.as_deref();
        match file {
            Some(file) => {
                for certificate in certificates(file)? {
                    roots.add(certificate).map_err(|error| unreadable(file, error.into()))?;
                }
            }
            None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        }
        let file = file.unwrap_or(Path::new("the system's certificates"));
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = verifier.build().map_err(|error| unreadable(file, error.into()))?;
        Ok(if self.mode == Mode::VerifyFull { verifier } else { Arc::new(AnyName(verifier)) })
    }
}

impl Mode {
    fn of(text: &str) -> Option<Self> {
        Some(match text {
            "disable" => Self::Disable,
            "allow" | "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => return None,
        })
    }

    /// In the words of the driver, which leaves the rest to what makes connections.
    pub(super) fn driver(self) -> SslMode {
        match self {
            Self::Disable => SslMode::Disable,
            Self::Prefer => SslMode::Prefer,
            Self::Require | Self::VerifyCa | Self::VerifyFull => SslMode::Require,
        }
    }
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, OpenError> {
    let found = CertificateDer::pem_file_iter(file).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = found.map_err(|error| unreadable(file, error.into()))?;
    if found.is_empty() { Err(unreadable(file, "it holds no certificate".into())) } else { Ok(found) }
}

fn unreadable(file: &Path, source: Cause) -> OpenError {
    OpenError::Certificates { file: file.to_owned(), source }
}

/// Encrypts, and takes whoever answers for the server.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}

/// Verifies all but the name.
#[derive(Debug)]
struct AnyName(Arc<WebPkiServerVerifier>);

impl ServerCertVerifier for AnyName {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        // The name is looked at last (rustls 0.23, webpki/server_verifier.rs).
        match self.0.verify_server_cert(certificate, intermediates, name, ocsp_response, now) {
            Err(Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_tls_is_taken_out_of_the_address() {
        let split = |url: &str| Wish::split(url).map(|(left, wish)| (left, wish.mode));
        for (url, left, mode) in [
            ("postgres://u:p@h/d", "postgres://u:p@h/d", Mode::Prefer),
            ("postgres://u:p?q@h/d?sslmode=disable", "postgres://u:p?q@h/d", Mode::Disable),
            ("postgres://h/d?a=b&sslmode=require&c=d", "postgres://h/d?a=b&c=d", Mode::Require),
            ("postgres://h/d?sslmode=require&sslrootcert=%2Fx", "postgres://h/d", Mode::VerifyCa),
            ("postgres://h/d?sslrootcert=system&sslmode=verify-full", "postgres://h/d", Mode::VerifyFull),
        ] {
            assert_eq!(split(url), Ok((left.to_owned(), mode)), "{url}");
        }
        assert_eq!(split("postgres://h/d?sslmode=verify_full"), Err(MODES), "a word that libpq does not know");
        assert!(split("postgres://h/d?sslcert=%2Fx").is_err_and(|reason| reason.contains("`sslkey`")));
    }
}
