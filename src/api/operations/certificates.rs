//! Operations about certificates.

use super::Verb::{Get, Post};
use super::{Columns, Operation, QueryOf, Shape, columns, given};
use crate::api::certificates::CertificateView;
use crate::api::openapi::bodies;
use crate::api::route::Action;

const CERTIFICATE: Columns = columns::<CertificateView>("Certificate");

pub(super) const OPERATIONS: &[Operation] = &[
    Operation::new(Get, "/certificates", "listCertificates", |_| {
        Action::ListCertificates
    })
    .does("Certificates on tokens and in files; a signer sees its own.")
    .query(QueryOf::List(CERTIFICATE))
    .answers(&[given(
        200,
        "The certificates.",
        Shape::List("Certificates", CERTIFICATE),
    )]),
    Operation::new(
        Get,
        "/certificates/{Thumbprint}",
        "getCertificate",
        Action::GetCertificate,
    )
    .does("One certificate.")
    .query(QueryOf::Object(CERTIFICATE))
    .answers(&[given(200, "The certificate.", Shape::Object(CERTIFICATE))])
    .refuses(&[404]),
    Operation::new(
        Post,
        "/certificates/{Thumbprint}/signatures",
        "sign",
        Action::Sign,
    )
    .does("Signs data with a certificate's key, as CMS or CAdES-BES.")
    .takes(bodies::to_sign)
    .answers(&[given(201, "The signature.", Shape::Schema(bodies::signature))])
    .refuses(&[404, 409]),
    Operation::new(
        Post,
        "/certificates/{Thumbprint}/decryptions",
        "decrypt",
        Action::Decrypt,
    )
    .does("Opens a CMS message that is enveloped for a certificate.")
    .takes(bodies::to_decrypt)
    .answers(&[given(200, "What was in it.", Shape::Schema(bodies::decrypted))])
    .refuses(&[404, 409]),
];
