//! `keynode user`: the users of the API. A running node notices within a second.

use std::io::Write;

use clap::Subcommand;
use serde_json::json;

use crate::node::StateDir;
use crate::settings::{PlaceArgs, Settings};
use crate::store::{Role, Users};

use super::failure::Failure;
use super::offline::{author, existing_database};
use super::password::PasswordArgs;

/// What can be done with users.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum UserCommand {
    /// Add a user
    Add {
        /// Name for HTTP Basic
        name: String,
        /// admin: everything; client: sessions and connections; monitor: look only
        #[arg(long, default_value = "client")]
        role: Role,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Change a user's password
    Passwd {
        /// Whose
        name: String,
        #[command(flatten)]
        password: PasswordArgs,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Remove a user
    Remove {
        /// Whom
        name: String,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// List the users
    List {
        /// Print JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        place: PlaceArgs,
    },
}

pub(super) fn run(command: &UserCommand, out: &mut impl Write) -> Result<(), Failure> {
    match command {
        UserCommand::Add {
            name,
            role,
            password,
            place,
        } => {
            let users = open(place)?;
            users.add(name, *role, &password.new_password(name)?, &author())?;
            writeln!(out, "user {name} is added as {role}")?;
        }
        UserCommand::Passwd {
            name,
            password,
            place,
        } => {
            let users = open(place)?;
            users.set_password(name, &password.new_password(name)?, &author())?;
            writeln!(out, "the password of {name} is changed")?;
        }
        UserCommand::Remove { name, place } => {
            open_existing(place)?.remove(name, &author())?;
            writeln!(out, "user {name} is removed")?;
        }
        UserCommand::List { json, place } => list(&open_existing(place)?, *json, out)?,
    }
    Ok(())
}

fn open(place: &PlaceArgs) -> Result<Users, Failure> {
    let settings = Settings::load(&place.0)?.settings;
    let users = Users::open(&StateDir::shared_database(&settings.state_dir)?)?;
    users.ensure_initial()?;
    Ok(users)
}

/// A look must not make a state directory: one that is not there is a mistyped one.
fn open_existing(place: &PlaceArgs) -> Result<Users, Failure> {
    existing_database(&Settings::load(&place.0)?.settings.state_dir)?;
    open(place)
}

fn list(users: &Users, as_json: bool, out: &mut impl Write) -> Result<(), Failure> {
    let users = users.list()?;
    if as_json {
        let rows: Vec<_> = users
            .iter()
            .map(|user| json!({ "name": user.name, "role": user.role.to_string(), "initial_password": user.initial }))
            .collect();
        writeln!(out, "{}", serde_json::Value::from(rows))?;
        return Ok(());
    }
    writeln!(out, "{:<20} {:<8} PASSWORD", "NAME", "ROLE")?;
    for user in users {
        let password = if user.initial {
            "initial: change it (keynode user passwd)"
        } else {
            "set"
        };
        writeln!(out, "{:<20} {:<8} {password}", user.name, user.role)?;
    }
    Ok(())
}
