//! What the vendor's systems get instead of data, in the form of the External API (spec, section 1.2).

use actix_web::http::StatusCode;
use actix_web::http::header::{RETRY_AFTER, WWW_AUTHENTICATE};
use actix_web::{HttpResponse, ResponseError};
use serde_json::json;

use crate::activation::Refusal;

use super::super::super::CentreError;
use super::super::nodes::refusing;

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("({exception}) {sentence}")]
pub(in super::super) struct VendorError {
    status: u16,
    exception: &'static str,
    sentence: String,
    wait: Option<u64>,
}

impl VendorError {
    fn new(status: u16, exception: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            status,
            exception,
            sentence: sentence.into(),
            wait: None,
        }
    }

    pub(super) fn bad_request(sentence: impl Into<String>) -> Self {
        Self::new(400, "EHTTPBadRequest", sentence)
    }

    pub(super) fn unauthorized() -> Self {
        let sentence = "an API key of the centre is wanted: Authorization: Bearer KEY";
        Self::new(401, "EHTTPUnauthorized", sentence)
    }

    pub(in super::super) fn not_found(sentence: impl Into<String>) -> Self {
        Self::new(404, "EHTTPNotFound", sentence)
    }

    pub(super) fn method() -> Self {
        Self::new(
            405,
            "EHTTPMethodNotAllowed",
            "this address does not know this method",
        )
    }
}

impl From<CentreError> for VendorError {
    fn from(error: CentreError) -> Self {
        let sentence = error.to_string();
        match error {
            CentreError::NoProduct(_)
            | CentreError::NoSeries(_)
            | CentreError::NoBatch(_)
            | CentreError::NoCode => Self::not_found(sentence),
            CentreError::Taken(_) => Self::new(409, "EHTTPConflict", sentence),
            CentreError::Invalid(_) => Self::bad_request(sentence),
            // Files and their faults are the log's.
            _ => {
                tracing::error!(error = sentence, "the vendor's systems cannot be answered");
                let told = "the centre cannot answer; its log says why";
                Self::new(503, "EHTTPServiceUnavailable", told)
            }
        }
    }
}

impl From<Refusal> for VendorError {
    fn from(refusal: Refusal) -> Self {
        let exception = match refusal.status() {
            429 => "EHTTPTooManyRequests",
            503 => "EHTTPServiceUnavailable",
            _ => "EHTTPBadRequest",
        };
        let head = refusing(&refusal).finish();
        let wait = head.headers().get(RETRY_AFTER);
        Self {
            wait: wait.and_then(|wait| wait.to_str().ok()?.parse().ok()),
            ..Self::new(refusal.status(), exception, refusal.to_string())
        }
    }
}

impl From<VendorError> for HttpResponse {
    fn from(error: VendorError) -> Self {
        error.error_response()
    }
}

impl ResponseError for VendorError {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse {
        let status = self.status_code();
        let text = match self.status {
            404 => "Not found",
            _ => status.canonical_reason().unwrap_or("Error"),
        };
        let mut response = HttpResponse::build(status);
        if self.status == 401 {
            response.insert_header((WWW_AUTHENTICATE, "Bearer realm=\"keynode centre\""));
        }
        if let Some(seconds) = self.wait {
            response.insert_header((RETRY_AFTER, seconds.to_string()));
        }
        let mut sentence = self.sentence.clone();
        if let Some(first) = sentence.get_mut(..1) {
            first.make_ascii_uppercase();
        }
        let body = json!({
            "Code": self.status,
            "Text": text,
            "Message": format!("({}) {sentence}.", self.exception),
            "Exception": self.exception,
        });
        response
            .content_type("application/json;charset=utf-8")
            .body(body.to_string())
    }
}
