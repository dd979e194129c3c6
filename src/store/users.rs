//! The users of the API, with their roles and passwords.

use std::fmt;
use std::str::FromStr;

use rusqlite::{Connection, OptionalExtension, Row, params};

use crate::cms::Thumbprint;

use super::audit::{AuditEntry, Author, append};
use super::{Database, HashedPassword, MIN_PASSWORD, StoreError};

/// The user that a new node has (the manual's default).
pub const INITIAL_USER: &str = "admin";
/// That user's password until it is changed; good for loopback only.
pub const INITIAL_PASSWORD: &str = "admin";

/// What a user may do (spec, row 38).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// Everything.
    Admin,
    /// Sessions and connections.
    Client,
    /// Look, but not touch.
    Monitor,
    /// Sign and decrypt with the certificates that the user is bound to, and nothing else. No other role may.
    Signer,
    /// Use the operators' services through this node: session keys, tickets, connections, processes.
    Gateway,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Admin,
        Self::Client,
        Self::Monitor,
        Self::Signer,
        Self::Gateway,
    ];
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Admin => "admin",
            Self::Client => "client",
            Self::Monitor => "monitor",
            Self::Signer => "signer",
            Self::Gateway => "gateway",
        })
    }
}

impl FromStr for Role {
    type Err = UserError;

    fn from_str(text: &str) -> Result<Self, UserError> {
        match text {
            "admin" => Ok(Self::Admin),
            "client" => Ok(Self::Client),
            "monitor" => Ok(Self::Monitor),
            "signer" => Ok(Self::Signer),
            "gateway" => Ok(Self::Gateway),
            _ => Err(UserError::Role(text.to_owned())),
        }
    }
}

/// A user.
#[derive(Clone, PartialEq, Eq)]
pub struct User {
    /// Name for HTTP Basic: 1 to 64 characters, no colon.
    pub name: String,
    /// What the user may do.
    pub role: Role,
    /// The password.
    pub password: HashedPassword,
    /// The password is still the one that every new node has.
    pub initial: bool,
    /// What a signer may sign and decrypt with.
    pub certificates: Vec<Thumbprint>,
}

/// Why a change of users was refused.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// There is no such role.
    #[error("\"{0}\" is no role: admin, client, monitor, signer or gateway")]
    Role(String),
    /// A name that HTTP Basic cannot carry.
    #[error("a user's name has 1 to 64 characters, without colons and control characters")]
    Name,
    /// The password is too short.
    #[error("the password is too short: {MIN_PASSWORD} characters at least")]
    Password,
    /// The name is taken.
    #[error("user \"{0}\" exists already: keynode user passwd changes the password")]
    Exists(String),
    /// Nobody has this name.
    #[error("there is no user \"{0}\"")]
    Unknown(String),
    /// Certificates are for signers.
    #[error("only users of the role signer are bound to certificates: \"{0}\" is none")]
    NotSigner(String),
    /// Without an administrator nobody could add one.
    #[error("\"{0}\" is the last administrator: add another first")]
    LastAdmin(String),
    /// The state file failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The table of users.
pub struct Users {
    connection: Connection,
    database: Database,
}

impl Users {
    /// The users in `database`.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be opened.
    pub fn open(database: &Database) -> Result<Self, StoreError> {
        Ok(Self {
            connection: database.connect()?,
            database: database.clone(),
        })
    }

    /// Gives a node without users its first: admin with the password admin.
    ///
    /// # Errors
    /// [`UserError::Store`] where the file fails.
    pub fn ensure_initial(&self) -> Result<(), UserError> {
        if self.list()?.is_empty() {
            self.insert(
                INITIAL_USER,
                Role::Admin,
                &HashedPassword::new(INITIAL_PASSWORD),
                true,
            )?;
        }
        Ok(())
    }

    /// All users, by name.
    ///
    /// # Errors
    /// [`StoreError`] where the file cannot be read.
    pub fn list(&self) -> Result<Vec<User>, StoreError> {
        let read = || -> rusqlite::Result<Vec<User>> {
            let users = self
                .connection
                .prepare_cached("SELECT name, role, password, initial FROM users ORDER BY name")?
                .query_map([], user)?
                .collect::<rusqlite::Result<Vec<User>>>()?;
            users
                .into_iter()
                .map(|user| self.with_certificates(user))
                .collect()
        };
        read().map_err(self.database.error())
    }

    fn with_certificates(&self, user: User) -> rusqlite::Result<User> {
        let statement = "SELECT thumbprint FROM user_certificates WHERE user = ?1 ORDER BY thumbprint";
        let certificates = self
            .connection
            .prepare_cached(statement)?
            .query_map([&user.name], |row| {
                row.get::<_, [u8; 20]>(0).map(Thumbprint::from)
            })?
            .collect::<rusqlite::Result<_>>()?;
        Ok(User { certificates, ..user })
    }

    /// Lets a signer sign and decrypt with these certificates, beside those that it is bound to already.
    ///
    /// # Errors
    /// [`UserError`]: there is no such user, or it is no signer.
    pub fn grant(&self, name: &str, certificates: &[Thumbprint], by: &Author) -> Result<(), UserError> {
        let statement = "INSERT OR IGNORE INTO user_certificates (user, thumbprint) VALUES (?1, ?2)";
        self.bind(
            name,
            certificates,
            statement,
            &by.did("user", name, bound("bound to", certificates)),
        )
    }

    /// Takes certificates from a signer.
    ///
    /// # Errors
    /// [`UserError`]: there is no such user, or it is no signer.
    pub fn revoke(&self, name: &str, certificates: &[Thumbprint], by: &Author) -> Result<(), UserError> {
        let statement = "DELETE FROM user_certificates WHERE user = ?1 AND thumbprint = ?2";
        self.bind(
            name,
            certificates,
            statement,
            &by.did("user", name, bound("no longer bound to", certificates)),
        )
    }

    fn bind(
        &self,
        name: &str,
        certificates: &[Thumbprint],
        statement: &str,
        entry: &AuditEntry,
    ) -> Result<(), UserError> {
        match self.find(name)? {
            None => return Err(UserError::Unknown(name.to_owned())),
            Some(user) if user.role != Role::Signer => return Err(UserError::NotSigner(name.to_owned())),
            Some(_) => {}
        }
        self.record(entry, || {
            for certificate in certificates {
                let row = params![name, certificate.bytes()];
                self.connection
                    .execute(statement, row)
                    .map_err(self.database.error())?;
            }
            Ok(())
        })
    }

    /// Adds a user.
    ///
    /// # Errors
    /// [`UserError`]: the name or password will not do, or the name is taken.
    pub fn add(&self, name: &str, role: Role, password: &str, by: &Author) -> Result<(), UserError> {
        let characters = name.chars().count();
        if !(1..=64).contains(&characters) || name.chars().any(|c| c == ':' || c.is_control()) {
            return Err(UserError::Name);
        }
        if self.find(name)?.is_some() {
            return Err(UserError::Exists(name.to_owned()));
        }
        let password = checked(password)?;
        self.record(&by.did("user", name, format!("added as {role}")), || {
            self.insert(name, role, &password, false)
        })
    }

    /// Changes a password.
    ///
    /// # Errors
    /// [`UserError`]: there is no such user, or the password will not do.
    pub fn set_password(&self, name: &str, password: &str, by: &Author) -> Result<(), UserError> {
        self.find(name)?
            .ok_or_else(|| UserError::Unknown(name.to_owned()))?;
        let password = checked(password)?;
        self.record(&by.did("user", name, "password changed"), || {
            let statement = "UPDATE users SET password = ?2, initial = 0 WHERE name = ?1";
            self.connection
                .execute(statement, params![name, password.as_str()])
                .map_err(self.database.error())?;
            Ok(())
        })
    }

    /// Removes a user.
    ///
    /// # Errors
    /// [`UserError`]: there is no such user, or it is the last administrator.
    pub fn remove(&self, name: &str, by: &Author) -> Result<(), UserError> {
        let user = self
            .find(name)?
            .ok_or_else(|| UserError::Unknown(name.to_owned()))?;
        let admins = self
            .list()?
            .iter()
            .filter(|user| user.role == Role::Admin)
            .count();
        if user.role == Role::Admin && admins == 1 {
            return Err(UserError::LastAdmin(name.to_owned()));
        }
        self.record(&by.did("user", name, "removed"), || {
            for statement in [
                "DELETE FROM users WHERE name = ?1",
                "DELETE FROM user_certificates WHERE user = ?1",
            ] {
                self.connection
                    .execute(statement, [name])
                    .map_err(self.database.error())?;
            }
            Ok(())
        })
    }

    /// Makes a change and its audit entry together, or neither.
    fn record(
        &self,
        entry: &AuditEntry,
        change: impl FnOnce() -> Result<(), UserError>,
    ) -> Result<(), UserError> {
        let error = || self.database.error();
        let transaction = self.connection.unchecked_transaction().map_err(error())?;
        change()?;
        append(&transaction, std::slice::from_ref(entry)).map_err(error())?;
        Ok(transaction.commit().map_err(error())?)
    }

    fn find(&self, name: &str) -> Result<Option<User>, StoreError> {
        self.connection
            .query_row(
                "SELECT name, role, password, initial FROM users WHERE name = ?1",
                [name],
                user,
            )
            .optional()
            .map_err(self.database.error())
    }

    fn insert(
        &self,
        name: &str,
        role: Role,
        password: &HashedPassword,
        initial: bool,
    ) -> Result<(), UserError> {
        self.connection
            .execute(
                "INSERT INTO users (name, role, password, initial) VALUES (?1, ?2, ?3, ?4)",
                params![name, role.to_string(), password.as_str(), initial],
            )
            .map_err(self.database.error())?;
        Ok(())
    }
}

fn checked(password: &str) -> Result<HashedPassword, UserError> {
    if password.chars().count() < MIN_PASSWORD {
        return Err(UserError::Password);
    }
    Ok(HashedPassword::new(password))
}

fn user(row: &Row<'_>) -> rusqlite::Result<User> {
    // A role of a later program counts as the least one.
    let role = row.get::<_, String>(1)?.parse().unwrap_or(Role::Monitor);
    Ok(User {
        name: row.get(0)?,
        role,
        password: HashedPassword::from_stored(row.get(2)?),
        initial: row.get(3)?,
        certificates: Vec::new(),
    })
}

fn bound(how: &str, certificates: &[Thumbprint]) -> String {
    let names: Vec<_> = certificates.iter().map(Thumbprint::to_string).collect();
    format!("{how} {}", names.join(", "))
}

#[cfg(test)]
#[path = "users_tests.rs"]
mod tests;
