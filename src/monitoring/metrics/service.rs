//! Figures of the node as a service: how its parts are, signatures, requests, who listens.

use crate::api::HealthReport;
use crate::signing::Force;

use super::super::Monitoring;
use super::text::Page;

pub(super) fn health(page: &mut Page, report: &HealthReport) {
    page.gauge("keynode_build_info", "1, with the version of the program.")
        .sample(&[("version", &report.version)], 1);
    page.gauge("keynode_healthy", "1: all that the node needs to serve is well.")
        .flag(&[], report.healthy);
    let mut family = page.gauge(
        "keynode_part_healthy",
        "1: this part of the node is well. Parts that are switched off are not there.",
    );
    for (part, state) in report.parts() {
        if state != "off" {
            family.flag(&[("part", part)], state == "ok");
        }
    }
}

pub(super) fn webhooks(page: &mut Page, monitoring: &Monitoring) {
    let mut family = page.gauge(
        "keynode_webhook_queue",
        "Messages that wait for a webhook, by the name that the settings give it.",
    );
    for (webhook, waiting) in monitoring.health.webhooks.waiting() {
        family.sample(&[("webhook", &webhook)], waiting);
    }
}

pub(super) fn signing(page: &mut Page, monitoring: &Monitoring) {
    let signer = &monitoring.api.signer;
    let (force, measures) = (signer.force(), signer.measures());
    page.gauge("keynode_signing_possible", "1: answers can be signed.")
        .flag(&[], !matches!(force, Force::Nobody(_)));
    page.gauge(
        "keynode_signing_fallback",
        "1: the software key signs in place of the token's.",
    )
    .flag(&[], matches!(force, Force::Fallback(_)));
    let mut family = page.times(
        "keynode_signature_seconds",
        "Time that the signature of an answer takes, by where the key is.",
    );
    family.noted(&[("key", "software")], &measures.software.read());
    family.noted(&[("key", "token")], &measures.token.read());
    page.counter(
        "keynode_token_signature_failures_total",
        "Signatures that the token was asked for in vain.",
    )
    .is(measures.token_failures.read());
    page.counter(
        "keynode_signature_failures_total",
        "Signatures that neither token nor software key made.",
    )
    .is(measures.failures.read());
}

pub(super) fn requests(page: &mut Page, monitoring: &Monitoring) {
    let mut family = page.counter(
        "keynode_http_requests_total",
        "Requests of the API that were answered, by what they were about and the class of the status.",
    );
    for (route, status, count) in monitoring.api.requests.read() {
        family.sample(&[("route", route), ("status", status)], count);
    }
    page.gauge(
        "keynode_event_subscribers",
        "Listeners to the events of the node.",
    )
    .is(monitoring.feed.subscribers());
}
