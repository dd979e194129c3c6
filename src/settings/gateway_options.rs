//! The options of the operators' services: the second part of the table of all options.

use std::time::Duration;

use super::Kind;
use super::options::{DAY, HOUR, OptionSpec, TENTH, duration, option};

/// Those of `[gateway]`, `[tickets]`, `[ismp]`, `[crpt]` and `[taxcom]`.
pub(super) const GATEWAY: &[OptionSpec] = &[
    option(
        "gateway.requires",
        Kind::Text { max: 64 },
        "Series (KeyID) of which a licence must work before the services answer",
    ),
    option(
        "gateway.ca",
        Kind::Path,
        "Certificates (PEM) that vouch for the services beside the system's",
    ),
    option(
        "gateway.proxy",
        Kind::Proxy,
        "HTTP proxy to the services, or none [default: as HTTPS_PROXY, HTTP_PROXY and NO_PROXY say]",
    ),
    option(
        "gateway.timeout",
        duration(TENTH, Duration::from_mins(5)),
        "Time for an exchange with a service",
    ),
    option(
        "gateway.token",
        Kind::Text { max: 32 },
        "Name of the token whose key guards what is kept of the services [default: a file has it]",
    ),
    option(
        "gateway.token_key",
        Kind::Text { max: 255 },
        "Label, or ID in hexadecimal digits, of that RSA key on the token",
    ),
    option(
        "tickets.enabled",
        Kind::Switch,
        "Whether tickets of the support portal are had here",
    ),
    option("tickets.url", Kind::Url, "Address of the support portal"),
    option(
        "tickets.url_eu",
        Kind::Url,
        "Address of the support portal of domain 1",
    ),
    option(
        "tickets.issuer",
        Kind::Switch,
        "Whether this node issues tickets itself, for networks without the portal",
    ),
    option(
        "tickets.life",
        duration(Duration::from_secs(1), HOUR),
        "Life of a ticket that this node issues",
    ),
    option(
        "ismp.enabled",
        Kind::Switch,
        "Whether session keys of IS MP are had here",
    ),
    option("ismp.url", Kind::Url, "Address of IS MP, before /api/v3/true-api"),
    option(
        "ismp.retail_url",
        Kind::Url,
        "The same for tokens of retail sale [default: as ismp.url]",
    ),
    option(
        "ismp.retail",
        Kind::Switch,
        "Whether tokens of retail sale are asked for",
    ),
    option(
        "ismp.retail_products",
        Kind::Days,
        "Kinds of products whose retail sale is checked online, each from a day on",
    ),
    option(
        "ismp.renew_before",
        duration(Duration::from_secs(61), Duration::from_hours(8)),
        "Time before its end that a token is renewed",
    ),
    option(
        "crpt.enabled",
        Kind::Switch,
        "Whether connections of CRPT are registered here",
    ),
    option(
        "crpt.route",
        Kind::Choice(&["gateway", "direct"]),
        "The way of a registration that names none: 1C's gateway, or the operator directly",
    ),
    option(
        "crpt.gateway_url",
        Kind::Url,
        "Address of 1C's gateway, before /public/api/program1c",
    ),
    option(
        "crpt.url",
        Kind::Url,
        "Address of the operator's registration, before /api/v3/integration",
    ),
    option(
        "crpt.registration_key_file",
        Kind::Path,
        "File with the operator's registration key",
    ),
    option(
        "taxcom.enabled",
        Kind::Switch,
        "Whether 1C-Taxcom is reached from here",
    ),
    option(
        "taxcom.url",
        Kind::Url,
        "Address of the service; its WSDL is at ?wsdl",
    ),
    option(
        "taxcom.form",
        Kind::Choice(&["wsdl", "elements", "attributes"]),
        "Form of parameters in requests: as the WSDL says, or one of the two",
    ),
    option(
        "taxcom.configuration",
        Kind::Text { max: 128 },
        "Name of the 1C configuration that the service is told",
    ),
    option(
        "taxcom.poll",
        duration(Duration::from_secs(1), DAY),
        "Time between two looks at an application that waits",
    ),
];
