//! The vault over files: what it makes, what it refuses, what it never replaces.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use super::*;
use crate::settings::Gateway;

fn vault(dir: &Path) -> Vault {
    Vault::new(Place::new(dir, &Gateway::default()), TokensHandle::default())
}

fn why(error: VaultError) -> String {
    match error {
        VaultError::File { why, .. } => why,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_is_sealed_opens_again_for_its_record_only() {
    let dir = tempfile::tempdir().unwrap();
    let secret = Secret::from("пароль");
    let sealed = vault(dir.path())
        .seal("kind", "a", &secret, || true)
        .await
        .unwrap();
    assert!(!sealed.windows(6).any(|part| part == &"пароль".as_bytes()[..6]));
    let file = dir.path().join(KEY_FILE);
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);

    // Another run of the node.
    let vault = vault(dir.path());
    assert_eq!(vault.open("kind", "a", &sealed).await.unwrap(), secret);
    let closed = |kind: &'static str, name: &str| {
        let name = name.to_owned();
        Err(VaultError::Closed { kind, name })
    };
    assert_eq!(vault.open("kind", "b", &sealed).await, closed("kind", "b"));
    assert_eq!(vault.open("other", "a", &sealed).await, closed("other", "a"));
    for damaged in [&sealed[..4], &sealed[..sealed.len() - 1], &[], &[7; 64]] {
        assert_eq!(vault.open("kind", "a", damaged).await, closed("kind", "a"));
    }
    // It goes on after all that.
    assert_eq!(vault.open("kind", "a", &sealed).await.unwrap(), secret);
}

#[tokio::test]
async fn a_key_is_made_once_however_many_want_it() {
    let dir = tempfile::tempdir().unwrap();
    let vault = Arc::new(vault(dir.path()));
    let sealing = (0..50).map(|number| {
        let vault = vault.clone();
        tokio::spawn(async move {
            let name = number.to_string();
            let sealed = vault
                .seal("kind", &name, &"secret".into(), || true)
                .await
                .unwrap();
            (name, sealed)
        })
    });
    for sealed in futures_util::future::join_all(sealing).await {
        let (name, sealed) = sealed.unwrap();
        assert_eq!(
            super::Vault::open(&vault, "kind", &name, &sealed)
                .await
                .unwrap()
                .expose(),
            "secret"
        );
    }
    let left: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left, [KEY_FILE]);
}

#[tokio::test]
async fn a_key_that_is_wrong_is_told_and_never_replaced() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(KEY_FILE);
    let sealed = vault(dir.path())
        .seal("kind", "a", &"secret".into(), || true)
        .await
        .unwrap();
    let key = fs::read(&file).unwrap();

    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    let error = vault(dir.path()).open("kind", "a", &sealed).await.unwrap_err();
    assert!(why(error).contains("mode 640"));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();

    for length in [0, 31, 33] {
        fs::write(&file, vec![1; length]).unwrap();
        let error = vault(dir.path())
            .seal("kind", "a", &"secret".into(), || true)
            .await
            .unwrap_err();
        assert!(why(error).contains("bytes"), "{length}");
        assert_eq!(fs::read(&file).unwrap().len(), length);
    }
    // Another key.
    fs::write(&file, [1; KEY_LENGTH]).unwrap();
    let error = vault(dir.path()).open("kind", "a", &sealed).await.unwrap_err();
    assert!(matches!(error, VaultError::Closed { .. }));

    fs::remove_file(&file).unwrap();
    let error = vault(dir.path()).open("kind", "a", &sealed).await.unwrap_err();
    assert!(why(error).contains("missing"));
    let error = vault(dir.path())
        .seal("kind", "b", &"secret".into(), || false)
        .await
        .unwrap_err();
    assert!(why(error).contains("missing"));
    assert!(!file.exists());

    // It is put back while the node runs.
    let vault = vault(dir.path());
    vault.open("kind", "a", &sealed).await.unwrap_err();
    fs::write(&file, key).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    assert_eq!(vault.open("kind", "a", &sealed).await.unwrap().expose(), "secret");
}

#[tokio::test]
async fn a_key_that_a_token_guards_is_not_made_anew_without_the_token() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join(WRAPPED_FILE), "{}").unwrap();
    let error = vault(dir.path())
        .seal("kind", "a", &"secret".into(), || true)
        .await
        .unwrap_err();
    assert!(why(error).contains("gateway.token"));

    let rules = Gateway {
        token: Some("hsm".into()),
        token_key: Some("guard".into()),
        ..Gateway::default()
    };
    let guarded = Vault::new(Place::new(dir.path(), &rules), TokensHandle::default());
    fs::set_permissions(dir.path().join(WRAPPED_FILE), fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(
        dir.path().join(WRAPPED_FILE),
        r#"{"Key":"01","Way":"RSA-OAEP","Encrypted":"AA=="}"#,
    )
    .unwrap();
    let error = guarded.open("kind", "a", &[0; 40]).await.unwrap_err();
    let detail = Some(Detail::KeyNotConnected);
    assert!(matches!(error, VaultError::Token { detail: told, .. } if told == detail));
}
