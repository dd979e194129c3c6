//! /api/certificates: what can sign and decrypt here, and having it do so (an extension). Each signature and
//! decryption, and each refusal, is a row of the audit log.

use actix_web::http::StatusCode;
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::FutureExt;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::cms::{Profile, PublicKeyKind, Thumbprint};
use crate::licence::Timestamp;
use crate::store::{AuditEntry, Role};
use crate::tokens::{Inventory, Listed, ToSign};

use super::auth::Caller;
use super::body::{Fields, LARGEST};
use super::error::ApiError;
use super::record::{Record, Scalar, record};
use super::reply::{Kept, Reply};
use super::route::Action;
use super::{Actor, Api, Request};

/// The most characters of a certificate's name in an audit row.
const LONGEST_NAME: usize = 64;

/// The most characters of why a request was not even read.
const LONGEST_REASON: usize = 256;

/// A certificate as the API shows it at a moment.
pub(super) struct CertificateView<'i> {
    listed: &'i Listed,
    now: Timestamp,
}

impl CertificateView<'_> {
    fn of<'a>(&'a self, value: impl FnOnce(&'a crate::cms::Certificate) -> Scalar<'a>) -> Scalar<'a> {
        Scalar::maybe(self.listed.certificate.as_deref(), value)
    }
}

fn algorithm(key: PublicKeyKind) -> String {
    match key {
        PublicKeyKind::Rsa(bits) => format!("RSA {bits}"),
        PublicKeyKind::EcP256 => "ECDSA P-256".into(),
        PublicKeyKind::EcP384 => "ECDSA P-384".into(),
        PublicKeyKind::Ed25519 => "Ed25519".into(),
        PublicKeyKind::Gost256 => "GOST R 34.10-2012 256".into(),
        PublicKeyKind::Gost512 => "GOST R 34.10-2012 512".into(),
        PublicKeyKind::Other => "other".into(),
    }
}

record!(CertificateView<'_>, this, {
    "Thumbprint": Text or null => Scalar::maybe(this.listed.thumbprint, |print| Scalar::text(print.to_string())),
    "ThumbprintBase64": Text or null => Scalar::maybe(this.listed.thumbprint, |print| Scalar::text(print.base64())),
    "Subject": Text or null => this.of(|certificate| Scalar::text(certificate.subject.as_str())),
    "Issuer": Text or null => this.of(|certificate| Scalar::text(certificate.issuer.as_str())),
    "SerialNumber": Text or null => this.of(|certificate| Scalar::text(certificate.serial_hex())),
    "ITN": Text or null => this.of(|certificate| Scalar::maybe(certificate.itn.as_deref(), Scalar::text)),
    "OGRN": Text or null => this.of(|certificate| {
        let number = certificate.ogrn.as_deref().or(certificate.ogrnip.as_deref());
        Scalar::maybe(number, Scalar::text)
    }),
    "NotBefore": Time or null => this.of(|certificate| Scalar::Time(certificate.not_before)),
    "NotAfter": Time or null => this.of(|certificate| Scalar::Time(certificate.not_after)),
    "Algorithm": Text or null => this.of(|certificate| Scalar::text(algorithm(certificate.key))),
    "Device": Text => Scalar::text(this.listed.device.as_str()),
    "KeyPlace": Text or null => Scalar::maybe(this.listed.key.as_ref(), |place| Scalar::text(place.to_string())),
    "Usable": Bool => Scalar::Bool(this.listed.obstacle(this.now).is_none()),
    "Reason": Text or null => Scalar::maybe(this.listed.obstacle(this.now), |obstacle| Scalar::text(obstacle.to_string())),
});

/// All certificates as the API shows them, for commands that look themselves.
pub fn certificate_rows(inventory: &Inventory, now: Timestamp) -> Vec<Value> {
    let rows = inventory.certificates.iter().map(|listed| {
        let mut json = Vec::new();
        CertificateView { listed, now }.write(None, &mut json);
        serde_json::from_slice(&json).expect("we wrote this JSON ourselves")
    });
    rows.collect()
}

impl Caller {
    /// Whether it may see a certificate: a signer those that it is bound to, whoever else gets here all.
    fn sees(&self, thumbprint: Option<Thumbprint>) -> bool {
        self.role != Role::Signer || thumbprint.is_some_and(|print| self.certificates.contains(&print))
    }

    /// The certificate that it names; for a signer only those that it is bound to exist.
    fn named(&self, name: &str) -> Result<Thumbprint, ApiError> {
        let unknown =
            || ApiError::certificate_not_found(format!("There is no certificate \"{}\".", shown(name)));
        let thumbprint = name.parse().map_err(|_| unknown())?;
        if self.sees(Some(thumbprint)) {
            return Ok(thumbprint);
        }
        let sentence = format!(
            "The user {} is not bound to the certificate {thumbprint}.",
            self.name
        );
        Err(ApiError::forbidden(sentence))
    }
}

pub(super) fn list(api: &Api, request: &Request) -> Result<Reply, ApiError> {
    let (inventory, now) = (api.certificates.inventory(), api.now());
    let seen = inventory.certificates.iter();
    let seen = seen.filter(|listed| request.caller.sees(listed.thumbprint));
    let views = seen.map(|listed| CertificateView { listed, now });
    Reply::list("Certificates", views, &request.query)
}

pub(super) fn get(api: &Api, request: &Request, name: &str) -> Result<Reply, ApiError> {
    let thumbprint = request.caller.named(name)?;
    let (inventory, now) = (api.certificates.inventory(), api.now());
    let listed = inventory.find(thumbprint, now);
    let listed = listed
        .ok_or_else(|| ApiError::certificate_not_found(format!("There is no certificate {thumbprint}.")))?;
    Reply::object(&CertificateView { listed, now }, &request.query)
}

/// What was asked for, as the audit log tells it: never the content.
#[derive(Default)]
struct Told(String);

impl Told {
    fn add(&mut self, content: &[u8]) {
        use std::fmt::Write;
        let _ = write!(self.0, "{} bytes, SHA-256 ", content.len());
        for byte in digest(&SHA256, content).as_ref() {
            let _ = write!(self.0, "{byte:02x}");
        }
    }
}

pub(super) async fn sign(api: &Api, request: &Request, name: &str) -> Result<Reply, ApiError> {
    let mut told = Told::default();
    let signed = try_to_sign(api, request, name, &mut told).await;
    let (signature, kept) = recorded(api, request, "signature", name, &told, signed)?;
    let body = json!({ "Signature": STANDARD.encode(signature) });
    let reply = Reply::json(body.to_string().into_bytes(), &request.query);
    Ok(reply.status(StatusCode::CREATED).after(kept))
}

async fn try_to_sign(api: &Api, request: &Request, name: &str, told: &mut Told) -> Result<Vec<u8>, ApiError> {
    let thumbprint = request.caller.named(name)?;
    let fields = request.fields()?;
    let profile = match fields.text("Type", LONGEST_NAME)?.as_deref() {
        None | Some("CAdES-BES") => Profile::CadesBes,
        Some("CMS") => Profile::Cms,
        Some(_) => return Err(ApiError::bad_request("Type: expected \"CAdES-BES\" or \"CMS\".")),
    };
    let (detached, chain) = (fields.truth("Detached")?, fields.truth("Chain")?);
    let content = data(&fields)?;
    told.0 += match profile {
        Profile::CadesBes => "CAdES-BES, ",
        Profile::Cms => "CMS, ",
    };
    told.0 += if detached { "detached, " } else { "attached, " };
    told.add(&content);
    let what = ToSign {
        content: &content,
        profile,
        detached,
        chain,
    };
    Ok(api.certificates.sign_cms(thumbprint, what, api.now()).await?)
}

pub(super) async fn decrypt(api: &Api, request: &Request, name: &str) -> Result<Reply, ApiError> {
    let mut told = Told::default();
    let opened = try_to_decrypt(api, request, name, &mut told).await;
    let (plain, kept) = recorded(api, request, "decryption", name, &told, opened)?;
    let body = json!({ "Data": STANDARD.encode(&*plain) });
    Ok(Reply::json(body.to_string().into_bytes(), &request.query).after(kept))
}

async fn try_to_decrypt(
    api: &Api,
    request: &Request,
    name: &str,
    told: &mut Told,
) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let thumbprint = request.caller.named(name)?;
    let message = data(&request.fields()?)?;
    told.0 += "message of ";
    told.add(&message);
    Ok(api
        .certificates
        .decrypt_cms(thumbprint, &message, api.now())
        .await?)
}

/// The bytes that a request brings; Base64, in one line or several.
fn data(fields: &Fields) -> Result<Zeroizing<Vec<u8>>, ApiError> {
    let text = fields.text("Data", LARGEST)?;
    let text = text.ok_or_else(|| ApiError::bad_request("Data is missing."))?;
    let text: Zeroizing<String> = Zeroizing::new(text.split_ascii_whitespace().collect());
    let bytes = STANDARD.decode(text.as_bytes());
    bytes
        .map(Zeroizing::new)
        .map_err(|_| ApiError::bad_request("Data: expected Base64."))
}

/// A result with its row of the audit log, which must be on disk before it is let out; a failure does not wait for that.
fn recorded<T>(
    api: &Api,
    request: &Request,
    event: &str,
    name: &str,
    told: &Told,
    result: Result<T, ApiError>,
) -> Result<(T, Kept), ApiError> {
    let object = shown(name);
    match result {
        Ok(value) => {
            let entry = request.actor().did(api.now(), event, object, told.0.clone());
            Ok((value, api.desk.record(entry).boxed()))
        }
        Err(error) => {
            let detail = [error.sentence(), told.0.as_str()]
                .join(" ")
                .trim_end()
                .to_owned();
            api.desk
                .note(failure(&request.actor(), api.now(), event, object, detail));
            Err(error)
        }
    }
}

/// Notes that a signature or a decryption was refused before its request was read.
pub(super) fn note_refusal(api: &Api, actor: &Actor, action: &Action, why: &str) {
    let (event, name) = match action {
        Action::Sign(name) => ("signature", name),
        Action::Decrypt(name) => ("decryption", name),
        _ => return,
    };
    let detail = fit_for_a_log(why, LONGEST_REASON);
    api.desk
        .note(failure(actor, api.now(), event, shown(name), detail));
}

fn failure(actor: &Actor, now: Timestamp, event: &str, object: String, detail: String) -> AuditEntry {
    actor.did(now, &format!("{event}-failure"), object, detail)
}

/// A name out of a path, as a log may show it.
fn shown(name: &str) -> String {
    match name.parse::<Thumbprint>() {
        Ok(thumbprint) => thumbprint.to_string(),
        Err(_) => fit_for_a_log(name, LONGEST_NAME),
    }
}

fn fit_for_a_log(text: &str, longest: usize) -> String {
    text.chars().filter(|c| !c.is_control()).take(longest).collect()
}
