//! What the page's form sends: a request as a file or as a text; what comes back is the answer as a file.

use actix_multipart::Multipart;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header::{CONTENT_DISPOSITION, HeaderMap, RETRY_AFTER};
use actix_web::web::{Bytes, Data, Payload};
use actix_web::{HttpRequest, error::PayloadError};
use futures_util::{StreamExt, stream};

use crate::activation::{MAX_REQUEST, Refusal};
use crate::licence::inspect;

use super::super::Answer;
use super::body;
use super::language::Language;
use super::nodes::refusing;
use super::page::{Told, page};
use super::site::Site;

/// A file, a text, and what a form adds to them.
const LARGEST_FORM: usize = 2 * MAX_REQUEST + 8 * 1024;

/// More parts than the form has.
const MOST_PARTS: usize = 8;

pub(super) async fn show(request: HttpRequest) -> HttpResponse {
    page(Language::asked(request.headers()), StatusCode::OK, &Told::Nothing)
}

pub(super) async fn send(request: HttpRequest, payload: Payload, site: Data<Site>) -> HttpResponse {
    let language = Language::asked(request.headers());
    if let Err(refusal) = site.caller(&request) {
        return told(language, &refusal);
    }
    let text = match body::read(payload, LARGEST_FORM).await {
        Ok(form) => sent(language, request.headers(), form).await,
        Err(refusal) => Err(refusal),
    };
    match site.answer(&request, text, None).await {
        Ok(Answer::Licence { file, .. }) => {
            let name = inspect(file.as_bytes()).map(|(licence, _)| licence.file_name());
            download(&name.unwrap_or_else(|_| "keynode.licence".into()), file)
        }
        Ok(Answer::Receipt(receipt)) => download("keynode.receipt", receipt),
        Ok(Answer::Nothing) => page(language, StatusCode::OK, &Told::Well(language.words().nothing)),
        Err(refusal) => told(language, &refusal),
    }
}

/// Names of files come from us alone.
fn download(name: &str, file: String) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/jose")
        .insert_header((CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")))
        .body(file)
}

fn told(language: Language, refusal: &Refusal) -> HttpResponse {
    let head = refusing(refusal).finish();
    let text = language.refusal(refusal);
    let mut response = page(language, head.status(), &Told::Failed(&text));
    if let Some(wait) = head.headers().get(RETRY_AFTER) {
        response.headers_mut().insert(RETRY_AFTER, wait.clone());
    }
    response
}

/// The request in a form: of its file, or where that is empty of its text.
async fn sent(language: Language, headers: &HeaderMap, form: Vec<u8>) -> Result<Vec<u8>, Refusal> {
    let words = language.words();
    let refused = |why: &str| Refusal::BadRequest(why.trim_end_matches('.').to_lowercase());
    let whole = stream::iter([Ok::<_, PayloadError>(Bytes::from(form))]);
    let mut parts = Multipart::new(headers, whole);
    let (mut file, mut text) = (Vec::new(), Vec::new());
    for _ in 0..MOST_PARTS {
        let Some(part) = parts.next().await else { break };
        let mut part = part.map_err(|_| refused(words.form))?;
        let known = match part.name() {
            Some("request") => &mut file,
            Some("text") => &mut text,
            _ => return Err(refused(words.form)),
        };
        let content = part.bytes(LARGEST_FORM).await;
        let content = content
            .ok()
            .and_then(Result::ok)
            .ok_or_else(|| refused(words.form))?;
        *known = content.trim_ascii().to_vec();
    }
    match [file, text].into_iter().find(|sent| !sent.is_empty()) {
        Some(request) => Ok(request),
        None => Err(refused(words.empty)),
    }
}
