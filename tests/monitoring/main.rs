//! What monitoring sees of a node: /metrics, and what is made of it for Prometheus, Grafana and Zabbix.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(clippy::float_cmp, reason = "what a page says is exact")]

#[path = "../common/mod.rs"]
#[expect(dead_code, reason = "other tests use more of it")]
#[allow(unused_imports, reason = "other tests use more of it")]
mod common;

mod access;
mod documents;
mod figures;
mod grafana;
mod page;
mod prometheus;
mod zabbix;
