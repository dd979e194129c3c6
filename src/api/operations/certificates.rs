//! Operations about certificates.

use super::Verb::{Get, Post};
use super::{Columns, Operation, columns};
use crate::api::certificates::CertificateView;
use crate::api::openapi::bodies;
use crate::api::route::Action;

const CERTIFICATE: Columns = columns::<CertificateView>("Certificate");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new(Get, "/certificates", "listCertificates", |_| {
        Action::ListCertificates
    })
    .does("Certificates on tokens and in files; a signer sees its own.")
    .lists("Certificates", "The certificates.", CERTIFICATE),
    Operation::new(
        Get,
        "/certificates/{Thumbprint}",
        "getCertificate",
        Action::GetCertificate,
    )
    .does("One certificate.")
    .shows(200, "The certificate.", CERTIFICATE)
    .refuses(&[404]),
    Operation::new(
        Post,
        "/certificates/{Thumbprint}/signatures",
        "sign",
        Action::Sign,
    )
    .does("Signs data with a certificate's key, as CMS or CAdES-BES.")
    .takes(bodies::to_sign)
    .gives(201, "The signature.", bodies::signature)
    .refuses(&[404, 409]),
    Operation::new(
        Post,
        "/certificates/{Thumbprint}/decryptions",
        "decrypt",
        Action::Decrypt,
    )
    .does("Opens a CMS message that is enveloped for a certificate.")
    .takes(bodies::to_decrypt)
    .gives(200, "What was in it.", bodies::decrypted)
    .refuses(&[404, 409]),
];
