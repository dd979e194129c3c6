//! The files that pages load: embedded, compressed once, kept by browsers until the program has other ones.

use std::io::Write;
use std::sync::OnceLock;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use sha2::{Digest, Sha256};

use crate::text::hex;

const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// Name, type, content.
const FILES: [(&str, &str, &[u8]); 8] = [
    ("console.css", STYLE, include_bytes!("assets/console.css")),
    ("console.js", SCRIPT, include_bytes!("assets/console.js")),
    ("htmx.js", SCRIPT, include_bytes!("assets/htmx.min.js")),
    ("sse.js", SCRIPT, include_bytes!("assets/htmx-ext-sse.min.js")),
    ("uplot.js", SCRIPT, include_bytes!("assets/uplot.min.js")),
    ("uplot.css", STYLE, include_bytes!("assets/uplot.min.css")),
    ("plot.js", SCRIPT, include_bytes!("assets/plot.js")),
    ("icon.svg", "image/svg+xml", include_bytes!("assets/icon.svg")),
];

struct Asset {
    name: &'static str,
    kind: &'static str,
    plain: Bytes,
    gzip: Bytes,
    /// Of the content; part of its address.
    hash: String,
}

fn assets() -> &'static [Asset] {
    static ASSETS: OnceLock<Vec<Asset>> = OnceLock::new();
    ASSETS.get_or_init(|| {
        let make = |(name, kind, content): (&'static str, &'static str, &'static [u8])| Asset {
            name,
            kind,
            plain: Bytes::from_static(content),
            gzip: compress(content),
            hash: hex(&Sha256::digest(content)[..8]),
        };
        FILES.into_iter().map(make).collect()
    })
}

fn compress(content: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let written = encoder.write_all(content).and_then(|()| encoder.finish());
    written.unwrap_or_default().into()
}

/// The address of a file; it changes with the content.
pub(super) fn address(name: &str) -> String {
    let asset = assets().iter().find(|asset| asset.name == name);
    let hash = asset.map_or("", |asset| &asset.hash);
    format!("/console/assets/{name}?v={hash}")
}

/// Answers with the file of this name, where there is one.
pub(super) fn answer(request: &HttpRequest, name: &str) -> Option<HttpResponse> {
    let asset = assets().iter().find(|asset| asset.name == name)?;
    let told = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let tag = format!("\"{}\"", asset.hash);
    let fits = request.query_string() == format!("v={}", asset.hash);
    let keep = if fits {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let has_it = told(header::IF_NONE_MATCH).is_some_and(|tags| tags.contains(&tag));
    let mut response = if has_it {
        HttpResponse::NotModified()
    } else {
        HttpResponse::Ok()
    };
    response
        .insert_header((header::ETAG, tag))
        .insert_header((header::CACHE_CONTROL, keep))
        .insert_header((header::VARY, "Accept-Encoding"));
    if has_it {
        return Some(response.finish());
    }
    response.insert_header((header::CONTENT_TYPE, asset.kind));
    let takes_gzip = told(header::ACCEPT_ENCODING).is_some_and(|list| {
        let mut names = list.split(',').map(str::trim);
        names.any(|one| one == "gzip" || one.starts_with("gzip;") && !one.ends_with("q=0"))
    });
    Some(if takes_gzip && !asset.gzip.is_empty() {
        response.insert_header((header::CONTENT_ENCODING, "gzip"));
        response.body(asset.gzip.clone())
    } else {
        response.body(asset.plain.clone())
    })
}
