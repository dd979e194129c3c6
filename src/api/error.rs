//! What a client gets instead of data: a status, an exception's name, a sentence (spec, section 1.2).

use actix_web::http::StatusCode;
use actix_web::http::header::{ALLOW, HeaderName, RETRY_AFTER, WWW_AUTHENTICATE};

use crate::activation::{self, ActivationError};
use crate::seats::{DeskError, Reason, Refusal};
use crate::tokens::{CertificateError, Obstacle};

/// An error answer. It holds the client's text only; what the log gets is written where it happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ApiError {
    pub(super) status: StatusCode,
    exception: &'static str,
    sentence: String,
    pub(super) headers: Vec<(HeaderName, String)>,
}

impl ApiError {
    fn new(status: StatusCode, exception: &'static str, sentence: impl Into<String>) -> Self {
        Self {
            status,
            exception,
            sentence: sentence.into(),
            headers: Vec::new(),
        }
    }

    fn with(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn bad_request(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "EHTTPBadRequest", sentence)
    }

    pub(super) fn unauthorized(sentence: &str) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "EHTTPUnauthorized", sentence)
            .with(WWW_AUTHENTICATE, r#"Basic realm="keynode", charset="UTF-8""#)
    }

    pub(super) fn forbidden(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, "EHTTPForbidden", sentence)
    }

    pub(super) fn too_many_logins(seconds: u64) -> Self {
        let sentence = format!("Too many failed logins from here. Try again in {seconds} s.");
        Self::forbidden(sentence).with(RETRY_AFTER, seconds.to_string())
    }

    pub(super) fn too_many_requests(seconds: u64) -> Self {
        let sentence = format!("Too many requests from here. Try again in {seconds} s.");
        Self::new(StatusCode::TOO_MANY_REQUESTS, "EHTTPTooManyRequests", sentence)
            .with(RETRY_AFTER, seconds.to_string())
    }

    /// A service of an operator that is needed to answer, and that cannot be asked now.
    pub(super) fn service_unreached(sentence: impl Into<String>) -> Self {
        let exception = "EHTTPServiceUnavailable";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, exception, sentence)
    }

    pub(super) fn url_not_found(path: &str) -> Self {
        let sentence = format!("The requested URL \"{path}\" was not found.");
        Self::new(StatusCode::NOT_FOUND, "EHTTPNotFound", sentence)
    }

    pub(super) fn licence_not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ELicenceNotFound", sentence)
    }

    pub(super) fn session_not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ESessionNotFound", sentence)
    }

    pub(super) fn connection_not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "EConnectionNotFound", sentence)
    }

    pub(super) fn device_not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "EDeviceNotFound", sentence)
    }

    pub(super) fn session_key_not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ESessionKeyNotFound", sentence)
    }

    pub(super) fn organization_not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "EOrganizationNotFound", sentence)
    }

    pub(super) fn certificate_not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ECertificateNotFound", sentence)
    }

    pub(super) fn process_not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "EProcessNotFound", sentence)
    }

    /// A process that is in a state in which this is not done.
    pub(super) fn process_conflict(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "EProcessConflict", sentence)
    }

    /// What it tells the client.
    pub(super) fn sentence(&self) -> &str {
        &self.sentence
    }

    pub(super) fn not_implemented(verb: &str, path: &str, allowed: &str) -> Self {
        let sentence = format!("{verb} is not implemented for \"{path}\". Implemented: {allowed}.");
        Self::new(StatusCode::NOT_IMPLEMENTED, "EHTTPNotImplemented", sentence).with(ALLOW, allowed)
    }

    pub(super) fn switched_off() -> Self {
        let sentence = "API access is switched off in the settings.";
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "EHTTPServiceUnavailable",
            sentence,
        )
    }

    /// A service of an operator that is switched off.
    pub(super) fn service_off(setting: &str) -> Self {
        let sentence = format!("This service is switched off in the settings: see {setting}.");
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "EHTTPServiceUnavailable",
            sentence,
        )
    }

    /// A service of an operator that wants a licence.
    pub(super) fn licence_required(sentence: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "ELicenceNotWorkable", sentence)
    }

    pub(super) fn internal(sentence: &str) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "EHTTPInternalServerError",
            sentence,
        )
    }

    pub(super) fn cannot_sign() -> Self {
        Self::internal("The node cannot sign its answers.")
    }

    /// The HTTP text of the manual for a status; it differs from the standard's in places.
    fn text(&self) -> &'static str {
        match self.status.as_u16() {
            404 => "Not found",
            500 => "Internal server error",
            _ => self.status.canonical_reason().unwrap_or("Error"),
        }
    }

    /// The body, in the manual's order of fields.
    pub(super) fn body(&self) -> Vec<u8> {
        let text = |text: &str| serde_json::Value::from(text).to_string();
        let message = text(&format!("({}) {}", self.exception, self.sentence));
        format!(
            r#"{{"Code":{},"Text":{},"Message":{message},"Exception":{}}}"#,
            self.status.as_u16(),
            text(self.text()),
            text(self.exception)
        )
        .into_bytes()
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let sentence = format!("{}.", capitalised(refusal.text));
        let status = match refusal.reason {
            Reason::UnknownSeries => StatusCode::NOT_FOUND,
            Reason::NoFreeSeat | Reason::NotWorkable => StatusCode::FORBIDDEN,
        };
        Self::new(status, refusal.reason.name(), sentence)
    }
}

impl From<CertificateError> for ApiError {
    fn from(error: CertificateError) -> Self {
        let sentence = format!("{}.", capitalised(error.to_string()));
        let (status, exception) = match error {
            CertificateError::Unknown(_) => (StatusCode::NOT_FOUND, "ECertificateNotFound"),
            CertificateError::NotUsable {
                obstacle: Obstacle::Own(_),
                ..
            } => (StatusCode::CONFLICT, "ECertificateNotUsable"),
            CertificateError::NotUsable {
                obstacle: Obstacle::Token(_),
                ..
            }
            | CertificateError::Token(_)
            | CertificateError::BadSignature(_) => (StatusCode::SERVICE_UNAVAILABLE, "ETokenUnavailable"),
            CertificateError::Cms(_) | CertificateError::NotForIt(_) | CertificateError::Transport(_) => {
                (StatusCode::BAD_REQUEST, "EHTTPBadRequest")
            }
        };
        Self::new(status, exception, sentence)
    }
}

impl From<ActivationError> for ApiError {
    fn from(error: ActivationError) -> Self {
        let sentence = format!("{}.", capitalised(error.to_string()));
        let (status, exception) = match &error {
            ActivationError::Refused(refusal) => return Self::refused(refusal, sentence),
            ActivationError::NoCentre | ActivationError::Unreachable { .. } => {
                (StatusCode::SERVICE_UNAVAILABLE, NO_CENTRE)
            }
            ActivationError::Answer(_) => (StatusCode::INTERNAL_SERVER_ERROR, "EActivationAnswer"),
            ActivationError::Carrier { .. } => (StatusCode::NOT_FOUND, "ECarrierNotFound"),
            ActivationError::Here(_) => (StatusCode::CONFLICT, "ELicenceConflict"),
            ActivationError::NotSaved(_) => return Self::internal(&sentence),
            ActivationError::Unknown(_) => (StatusCode::NOT_FOUND, "ELicenceNotFound"),
        };
        Self::new(status, exception, sentence)
    }
}

impl ApiError {
    /// What a centre refuses (spec, row 22).
    fn refused(refusal: &activation::Refusal, sentence: String) -> Self {
        use activation::Refusal;
        let status = match refusal {
            Refusal::UnknownCode => StatusCode::NOT_FOUND,
            Refusal::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
            // The node's own request was not understood: that is not its client's fault.
            Refusal::BadRequest(_) => StatusCode::INTERNAL_SERVER_ERROR,
            _ => StatusCode::FORBIDDEN,
        };
        let error = Self::new(status, refusal.exception(), sentence);
        match refusal {
            Refusal::TooMany { seconds } => error.with(RETRY_AFTER, seconds.to_string()),
            _ => error,
        }
    }

    pub(super) fn carrier_not_found(sentence: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "ECarrierNotFound", sentence)
    }
}

/// No centre can be asked (spec, row 22).
const NO_CENTRE: &str = "EActivationCentreUnavailable";

fn capitalised(mut text: String) -> String {
    if let Some(first) = text.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    text
}

impl From<DeskError> for ApiError {
    fn from(error: DeskError) -> Self {
        match error {
            DeskError::NotSaved => Self::internal(
                "The node cannot save its state, so nothing was given. Its administrator finds the cause in the log.",
            ),
            DeskError::Stopped => Self::internal("The node is stopping."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manuals_example() {
        let body = String::from_utf8(ApiError::url_not_found("/api/someurl").body()).unwrap();
        assert_eq!(
            body,
            r#"{"Code":404,"Text":"Not found","Message":"(EHTTPNotFound) The requested URL \"/api/someurl\" was not found.","Exception":"EHTTPNotFound"}"#
        );
    }
}
