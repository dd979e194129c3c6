//! Tests of the users.

use super::*;

fn by() -> Author {
    Author {
        time: crate::licence::Timestamp::default(),
        name: "test".into(),
    }
}

fn users() -> (tempfile::TempDir, Users) {
    let dir = tempfile::tempdir().unwrap();
    let users = Users::open(&Database::open(dir.path()).unwrap()).unwrap();
    (dir, users)
}

#[test]
fn a_new_node_has_admin_until_the_password_is_changed() {
    let (_dir, users) = users();
    users.ensure_initial().unwrap();
    users.ensure_initial().unwrap();
    let first = users.list().unwrap().remove(0);
    assert!(first.initial && first.role == Role::Admin && first.password.matches("admin"));
    users.set_password("admin", "correct horse", &by()).unwrap();
    users.ensure_initial().unwrap();
    let changed = users.list().unwrap().remove(0);
    assert!(!changed.initial && changed.password.matches("correct horse"));
}

#[test]
fn what_cannot_be_is_refused_by_name() {
    let (_dir, users) = users();
    users.ensure_initial().unwrap();
    assert!(matches!(
        users.add("a:b", Role::Client, "long enough", &by()),
        Err(UserError::Name)
    ));
    assert!(matches!(
        users.add("shop", Role::Client, "short", &by()),
        Err(UserError::Password)
    ));
    users.add("shop", Role::Client, "long enough", &by()).unwrap();
    assert!(matches!(
        users.add("shop", Role::Client, "long enough", &by()),
        Err(UserError::Exists(_))
    ));
    assert!(matches!(
        users.set_password("nobody", "long enough", &by()),
        Err(UserError::Unknown(_))
    ));
    assert!(matches!(
        users.remove("admin", &by()),
        Err(UserError::LastAdmin(_))
    ));
    users.remove("shop", &by()).unwrap();
    assert!(matches!(users.remove("shop", &by()), Err(UserError::Unknown(_))));
}

#[test]
fn certificates_are_for_signers_and_go_with_them() {
    let (_dir, users) = users();
    users.ensure_initial().unwrap();
    users.add("shop", Role::Signer, "long enough", &by()).unwrap();
    let (one, two) = (Thumbprint::of(b"1"), Thumbprint::of(b"2"));
    let of_shop = || {
        users
            .list()
            .unwrap()
            .into_iter()
            .find(|user| user.name == "shop")
            .unwrap()
            .certificates
    };
    users.grant("shop", &[one, two, one], &by()).unwrap();
    users.grant("shop", &[one], &by()).unwrap();
    assert_eq!(of_shop().len(), 2);
    users.revoke("shop", &[one], &by()).unwrap();
    assert_eq!(of_shop(), [two]);
    assert!(matches!(
        users.grant("admin", &[one], &by()),
        Err(UserError::NotSigner(_))
    ));
    assert!(matches!(
        users.revoke("nobody", &[one], &by()),
        Err(UserError::Unknown(_))
    ));
    users.remove("shop", &by()).unwrap();
    users.add("shop", Role::Signer, "long enough", &by()).unwrap();
    assert_eq!(of_shop(), []);
}
