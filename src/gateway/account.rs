//! The support account: login and password of the support portal, for all areas of data or for one. Write-only.

use serde::{Deserialize, Serialize};

use super::secret::Secret;
use super::state::{Changes, Kept, State, StateError};

/// What is kept openly of an account; the password is its secret part. Its name among the records is the area's number, or
/// `default`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SupportAccount {
    /// The login.
    pub login: String,
}

impl Kept for SupportAccount {
    const KIND: &'static str = "support-account";
}

/// An account to log in with.
#[derive(Clone, Debug)]
pub struct Account {
    /// The login.
    pub login: String,
    /// The password.
    pub password: Secret,
}

fn name(area: Option<i64>) -> String {
    area.map_or_else(|| "default".into(), |area| area.to_string())
}

impl State {
    /// The account for an area of data: its own, or that of all.
    ///
    /// # Errors
    /// [`StateError`].
    pub async fn account(&self, area: Option<i64>) -> Result<Option<Account>, StateError> {
        let names = [area.map(|area| name(Some(area))), Some(name(None))];
        for name in names.iter().flatten() {
            let (known, secret) = (
                self.find::<SupportAccount>(name)?,
                self.secret::<SupportAccount>(name).await?,
            );
            if let (Some(SupportAccount { login }), Some(password)) = (known, secret) {
                return Ok(Some(Account { login, password }));
            }
        }
        Ok(None)
    }

    /// Whether this login is set with this password, for whichever area.
    pub(super) async fn has_account(&self, account: &Account) -> Result<bool, StateError> {
        for (name, known) in self.all::<SupportAccount>()? {
            // One that cannot be opened any more is another.
            if known.login == account.login
                && let Ok(Some(password)) = self.secret::<SupportAccount>(&name).await
                && password == account.password
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Keeps an account, for all areas or for one. What the portal said about too many tries goes on counting for this login
    /// unless its password is another.
    ///
    /// # Errors
    /// [`StateError`].
    pub async fn set_account(&self, area: Option<i64>, account: Account) -> Result<(), StateError> {
        let mut changes = Changes::new();
        // Another password is another try; the same one is not.
        if !self.has_account(&account).await? {
            changes = changes.release(&account.login);
        }
        let record = SupportAccount { login: account.login };
        self.put_sealed(&mut changes, &name(area), &record, &account.password)
            .await?;
        self.commit(changes)
    }
}
