//! A stand-in for 1C-Taxcom: a SOAP service that leads its client by commands.

use std::sync::Mutex;

use super::judge::Judge;
use super::server::{Asked, Said};
use super::world::World;

/// What it remembers.
#[derive(Default)]
pub(super) struct Memory {}

/// Answers what is its own.
pub(super) fn answer(_world: &Mutex<World>, _judge: &Judge, _asked: &Asked) -> Option<Said> {
    None
}

impl Memory {
    /// Decides about all applications that wait.
    pub(super) fn decide(&mut self, _rejected: Option<&str>) {}
}
