//! A stand-in for CRPT: registration of connections, directly and through 1C's gateway.

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
