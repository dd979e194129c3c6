//! The pages, in the order of the navigation. A new one is a file here, one in `words/`, one in `templates/`, and a line in
//! [`PAGES`].

mod activations;
mod api;
mod asking;
mod audit;
mod causes;
mod certificates;
mod connections;
mod devices;
mod gateway;
mod health;
mod keys;
mod overview;
mod sessions;
mod settings;
mod usage;

use futures_util::future::LocalBoxFuture;

use crate::events::Topic;
use crate::store::Role;

use super::visit::{Outcome, Trouble, Visit};

type Answering = LocalBoxFuture<'static, Outcome>;

/// A page, or several below one name.
pub(super) struct Page {
    /// Name in the path, /console/NAME, and of its section of words; "" is the first page, of the section `overview`.
    pub(super) name: &'static str,
    /// Words for the navigation: `keys.title`; "" for a page that only other pages lead to.
    pub(super) title: &'static str,
    /// `words/NAME.toml`.
    pub(super) words: &'static str,
    /// Its live part is drawn anew when one of these changes.
    pub(super) topics: &'static [Topic],
    /// Whether it is for administrators only.
    pub(super) for_admins: bool,
    /// Answers a GET.
    pub(super) show: fn(Visit) -> Answering,
    /// Answers a POST of an administrator whose form was sent from here; [`no_form`] where there is none.
    pub(super) act: fn(Visit) -> Answering,
}

/// All of them.
pub(super) const PAGES: &[&Page] = &[
    &overview::PAGE,
    &keys::PAGE,
    &sessions::PAGE,
    &connections::PAGE,
    &usage::PAGE,
    &usage::DATA,
    &devices::PAGE,
    &certificates::PAGE,
    &gateway::PAGE,
    &activations::PAGE,
    &audit::PAGE,
    &settings::PAGE,
    &health::PAGE,
    &api::PAGE,
];

impl Page {
    /// The section of its words.
    pub(super) fn section(&self) -> &'static str {
        if self.name.is_empty() {
            "overview"
        } else {
            self.name
        }
    }

    /// The name of the words that the navigation shows; `None` for a page that other pages lead to.
    pub(super) fn title_in_navigation(&self) -> Option<&'static str> {
        (!self.title.is_empty()).then_some(self.title)
    }

    /// The page of this name.
    pub(super) fn find(name: &str) -> Option<&'static Self> {
        PAGES.iter().find(|page| page.name == name).copied()
    }

    /// Whether this role sees it.
    pub(super) fn is_for(&self, role: Role) -> bool {
        match role {
            Role::Admin => true,
            Role::Monitor => !self.for_admins,
            Role::Client | Role::Signer | Role::Gateway => false,
        }
    }
}

/// For pages without a form.
pub(super) fn no_form(_: Visit) -> Answering {
    Box::pin(async { Err(Trouble::NoForm) })
}
