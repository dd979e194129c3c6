//! `keynode user`: the users of the API. A running node notices within a second.

use std::io::Write;

use clap::Subcommand;
use serde_json::json;

use crate::cms::Thumbprint;
use crate::node::StateDir;
use crate::settings::{PlaceArgs, Settings};
use crate::store::{Role, UserError, Users};

use super::failure::Failure;
use super::offline::{author, existing_database};
use super::password::PasswordArgs;
use super::table::{Cell, Table};

/// What can be done with users.
#[derive(Debug, Clone, Subcommand)]
pub(super) enum UserCommand {
    /// Add a user
    Add {
        /// Name for HTTP Basic
        name: String,
        /// admin: everything but signing; client: sessions and connections; monitor: look only; signer: sign and
        /// decrypt with its certificates, nothing else; gateway: the operators' services (tickets, session keys,
        /// connections, 1C-Taxcom), nothing else
        #[arg(long, default_value = "client")]
        role: Role,
        /// Thumbprint of a certificate that a signer may use; may be given several times
        #[arg(long = "certificate", value_name = "THUMBPRINT")]
        certificates: Vec<Thumbprint>,
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
    /// Let a signer sign and decrypt with further certificates
    Grant {
        /// Whom
        name: String,
        /// Thumbprints: `keynode certificates list` shows them
        #[arg(required = true)]
        certificates: Vec<Thumbprint>,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Take certificates from a signer
    Revoke {
        /// From whom
        name: String,
        /// Thumbprints
        #[arg(required = true)]
        certificates: Vec<Thumbprint>,
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
            certificates,
            password,
            place,
        } => {
            if *role != Role::Signer && !certificates.is_empty() {
                return Err(Failure::from(UserError::NotSigner(name.clone())));
            }
            let users = open(place)?;
            users.add(name, *role, &password.new_password(name)?, &author())?;
            if !certificates.is_empty() {
                users.grant(name, certificates, &author())?;
            }
            writeln!(out, "user {name} is added as {role}")?;
            if *role == Role::Signer && certificates.is_empty() {
                writeln!(
                    out,
                    "it is bound to no certificate yet: keynode user grant {name} THUMBPRINT"
                )?;
            }
        }
        UserCommand::Grant {
            name,
            certificates,
            place,
        } => {
            open_existing(place)?.grant(name, certificates, &author())?;
            writeln!(
                out,
                "user {name} may sign and decrypt with {}",
                list_of(certificates)
            )?;
        }
        UserCommand::Revoke {
            name,
            certificates,
            place,
        } => {
            open_existing(place)?.revoke(name, certificates, &author())?;
            writeln!(out, "user {name} may no longer use {}", list_of(certificates))?;
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
            .map(|user| {
                let certificates: Vec<_> = user.certificates.iter().map(Thumbprint::to_string).collect();
                json!({
                    "Name": user.name,
                    "Role": user.role.to_string(),
                    "InitialPassword": user.initial,
                    "Certificates": certificates,
                })
            })
            .collect();
        writeln!(out, "{}", serde_json::Value::from(rows))?;
        return Ok(());
    }
    let mut table = Table::new(&["NAME", "ROLE", "PASSWORD", "CERTIFICATE"]);
    for user in users {
        let password = if user.initial {
            Cell::new("initial: change it (keynode user passwd)").judged(false)
        } else {
            Cell::new("set")
        };
        let mut push = |certificate: &str| {
            table.push(vec![
                Cell::new(&user.name),
                Cell::new(&user.role.to_string()),
                password.clone(),
                Cell::new(certificate),
            ]);
        };
        if user.certificates.is_empty() {
            push("");
        }
        // A line for each: whoever looks for one finds whose it is.
        for certificate in &user.certificates {
            push(&certificate.to_string());
        }
    }
    table.print(out)?;
    Ok(())
}

fn list_of(certificates: &[Thumbprint]) -> String {
    let names: Vec<_> = certificates.iter().map(Thumbprint::to_string).collect();
    names.join(", ")
}
