//! Users whose passwords are hashed in no time: argon2id with the least parameters, verified as any other. A real
//! hash takes 40 ms on purpose, and each node needs several.

use argon2::password_hash::{PasswordHasher, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use keynode::licence::Timestamp;
use keynode::store::{Author, Database, Role};

/// Adds a user, unless there is one of this name.
pub(crate) fn add(database: &Database, name: &str, role: Role, password: &str, initial: bool) {
    let salt = SaltString::encode_b64(b"salt of the tests").unwrap();
    let hash = Argon2::new(
        Algorithm::Argon2id,
        Version::V0x13,
        Params::new(8, 1, 1, None).unwrap(),
    )
    .hash_password(password.as_bytes(), &salt)
    .unwrap()
    .to_string();
    let statement = "INSERT OR IGNORE INTO users (name, role, password, initial) VALUES (?1, ?2, ?3, ?4)";
    let row = (name, role.to_string(), hash, initial);
    database.connect().unwrap().execute(statement, row).unwrap();
}

/// Whoever changes users and keys in a test.
pub(crate) fn author() -> Author {
    Author {
        time: Timestamp::default(),
        name: "test".into(),
    }
}
