//! A stand-in for IS MP, the True API.

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
