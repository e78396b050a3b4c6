//! The files that the pages load: ours as they are, and those of others as `assets/assets.mjs` takes them from npm.
//!
//! The name of each has a digest of its content, so that browsers may keep it for ever.

use std::convert::Infallible;
use std::sync::LazyLock;

use async_compression::tokio::bufread::GzipDecoder;
use axum::body::Body;
use axum::http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use futures_util::stream;
use sha2::{Digest, Sha256};
use tokio::io::AsyncReadExt;

use crate::http::accept::{accepts_encoding, is_known};
use crate::http::compression::compressed;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const DIGEST_CHARACTERS: usize = 12;
const CHUNK_BYTES: usize = 64 * 1024;

/// For the attribute `href`.
pub(in crate::http) static ICON: LazyLock<String> =
    LazyLock::new(|| format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(include_str!("icon.svg"))));

/// By what the pages call them.
static ASSETS: LazyLock<Vec<Asset>> = LazyLock::new(|| {
    let plain = |name, media_type, text: &'static str| Asset::new(name, media_type, Content::Plain(text));
    let gzip = |name, media_type, bytes: &'static [u8]| Asset::new(name, media_type, Content::Gzip(bytes));
    vec![
        plain("explorer.css", STYLE, include_str!("explorer.css")),
        plain("introspection.js", SCRIPT, include_str!("introspection.js")),
        plain("start-graphiql.js", SCRIPT, include_str!("start-graphiql.js")),
        plain("start-playground.js", SCRIPT, include_str!("start-playground.js")),
        gzip("react.js", SCRIPT, include_bytes!("assets/react.js.gz")),
        gzip("react-dom.js", SCRIPT, include_bytes!("assets/react-dom.js.gz")),
        gzip("graphiql.js", SCRIPT, include_bytes!("assets/graphiql.js.gz")),
        gzip("graphiql.css", STYLE, include_bytes!("assets/graphiql.css.gz")),
        gzip("playground.js", SCRIPT, include_bytes!("assets/playground.js.gz")),
        gzip("playground.css", STYLE, include_bytes!("assets/playground.css.gz")),
    ]
});

/// A file that never changes.
#[derive(Debug)]
pub(super) struct Asset {
    name: &'static str,
    /// `name` with a digest before its extension.
    file: String,
    media_type: &'static str,
    etag: HeaderValue,
    content: Content,
}

#[derive(Clone, Copy, Debug)]
enum Content {
    Plain(&'static str),
    Gzip(&'static [u8]),
}

/// By the last part of its address.
pub(super) fn find(file: &str) -> Option<&'static Asset> {
    ASSETS.iter().find(|asset| asset.file == file)
}

/// A page with the addresses of what it loads, as seen from it: `base` is `../` or nothing.
pub(super) fn linked(template: &str, base: &str) -> String {
    let mut page = template.replace("@base@", base);
    for asset in ASSETS.iter() {
        let address = ["\"", base, "explorer/", &asset.file, "\""].concat();
        page = page.replace(&["\"@asset:", asset.name, "@\""].concat(), &address);
    }
    page
}

impl Asset {
    fn new(name: &'static str, media_type: &'static str, content: Content) -> Self {
        let digest = match content {
            Content::Plain(text) => Sha256::digest(text),
            Content::Gzip(bytes) => Sha256::digest(bytes),
        };
        let digest: String = format!("{digest:x}").chars().take(DIGEST_CHARACTERS).collect();
        let (stem, extension) = name.rsplit_once('.').unwrap_or((name, ""));
        // Weak, since all encodings share it (RFC 9110, section 8.8.1).
        let etag = HeaderValue::try_from(format!("W/\"{digest}\"")).unwrap_or(HeaderValue::from_static("W/\"\""));
        Self { name, file: format!("{stem}-{digest}.{extension}"), media_type, etag, content }
    }

    pub(super) async fn respond(&self, headers: &HeaderMap) -> Response {
        let own = HeaderMap::from_iter([
            (CONTENT_TYPE, HeaderValue::from_static(self.media_type)),
            (ETAG, self.etag.clone()),
            (CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")),
            (VARY, HeaderValue::from_static("accept-encoding")),
        ]);
        if is_known(headers, &self.etag) {
            return (StatusCode::NOT_MODIFIED, own).into_response();
        }
        match self.content {
            Content::Plain(text) => compressed(headers, (own, text).into_response()).await,
            Content::Gzip(bytes) if accepts_encoding(headers, "gzip") => {
                let encoding = [(CONTENT_ENCODING, HeaderValue::from_static("gzip"))];
                (encoding, own, Bytes::from_static(bytes)).into_response()
            }
            Content::Gzip(bytes) => (own, unpacked(bytes)).into_response(),
        }
    }
}

/// Unpacked while it is sent, so that it is never in memory as a whole.
fn unpacked(bytes: &'static [u8]) -> Body {
    let chunks = stream::unfold(GzipDecoder::new(bytes), async |mut decoder| {
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = decoder.read(&mut chunk).await.ok().filter(|read| *read > 0)?;
        chunk.truncate(read);
        Some((Ok::<_, Infallible>(chunk), decoder))
    });
    Body::from_stream(chunks)
}
