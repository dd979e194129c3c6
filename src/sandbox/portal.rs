//! A stand-in for the support portal, login.1c.ru.

use std::sync::Mutex;

use super::server::{Asked, Said};
use super::world::World;

/// What it remembers.
#[derive(Default)]
pub(super) struct Memory {}

/// Answers what is its own.
pub(super) fn answer(_world: &Mutex<World>, _asked: &Asked) -> Option<Said> {
    None
}
