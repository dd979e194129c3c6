//! What a token does when asked: signatures and plaintexts that others accept, keys, data objects.

use std::ffi::OsStr;
use std::process::Command;

use aws_lc_rs::signature::{self, UnparsedPublicKey, VerificationAlgorithm};
use keynode::cms::Certificate;
use keynode::tokens::{CertificatesHandle, Decryption, KeyKind, Mechanism, NewKey, Operation, TokenError};
use rsa::pkcs8::{DecodePublicKey, EncodePrivateKey};
use rsa::{Pkcs1v15Encrypt, RsaPublicKey};
use sha2::{Digest, Sha256, Sha384};
use zeroize::Zeroizing;

use super::softhsm::SoftHsm;
use super::world::{World, rsa, rsa_verifies};

/// The bytes of the key itself in its `SubjectPublicKeyInfo`.
fn raw(public: &[u8], length: usize) -> &[u8] {
    &public[public.len() - length..]
}

#[test]
fn every_kind_of_key_is_listed_and_signs() {
    let hsm = SoftHsm::new(&["one"]);
    hsm.make_key("one", "rsa:2048", 1, "answers");
    hsm.make_key("one", "EC:prime256v1", 2, "p256");
    hsm.make_key("one", "EC:secp384r1", 3, "p384");
    hsm.make_key("one", "EC:edwards25519", 4, "ed");
    let world = World::new([("a", hsm.settings("one"))]);
    let token = world.usable("a");
    assert_eq!((token.label.as_str(), token.serial.len()), ("one", 16));
    assert_eq!(token.manufacturer, "SoftHSM project");
    let kinds: Vec<_> = token
        .keys
        .iter()
        .map(|key| {
            assert!(key.signs && !key.extractable);
            (key.id.as_slice(), key.label.as_str(), key.kind)
        })
        .collect();
    assert_eq!(
        kinds,
        [
            (&[1][..], "answers", KeyKind::Rsa(2048)),
            (&[2][..], "p256", KeyKind::EcP256),
            (&[3][..], "p384", KeyKind::EcP384),
            (&[4][..], "ed", KeyKind::Ed25519),
        ]
    );
    assert!(token.keys[0].decrypts);

    let public = |id: u8| token.key(&[id]).unwrap().public_key.clone().unwrap();
    let sign = |id: u8, mechanism, data: &[u8]| {
        let (key, data) = (vec![id], data.to_vec());
        let sign = Operation::Sign { key, mechanism, data };
        world.tokens.perform_and_wait("a", sign).unwrap()
    };
    let text = b"an answer";
    let signed = world.tokens.perform_and_wait("a", rsa(1, text)).unwrap();
    assert!(rsa_verifies(&public(1), text, &signed));
    let check = |algorithm: &'static dyn VerificationAlgorithm, key: &[u8], signed: &[u8]| {
        UnparsedPublicKey::new(algorithm, key)
            .verify(text, signed)
            .unwrap();
    };
    let p256 = sign(2, Mechanism::Ecdsa, &Sha256::digest(text));
    check(&signature::ECDSA_P256_SHA256_FIXED, raw(&public(2), 65), &p256);
    let p384 = sign(3, Mechanism::Ecdsa, &Sha384::digest(text));
    check(&signature::ECDSA_P384_SHA384_FIXED, raw(&public(3), 97), &p384);
    let ed = sign(4, Mechanism::Eddsa, text);
    check(&signature::ED25519, raw(&public(4), 32), &ed);
}

#[test]
fn what_was_encrypted_for_a_key_is_decrypted() {
    let hsm = SoftHsm::new(&["one"]);
    hsm.make_key("one", "rsa:2048", 1, "answers");
    let world = World::new([("a", hsm.settings("one"))]);
    let token = world.usable("a");
    let public = token.key(&[1]).unwrap().public_key.clone().unwrap();
    let public = RsaPublicKey::from_public_key_der(&public).unwrap();
    let random = &mut rsa::rand_core::OsRng;
    let secret = b"a session key".as_slice();
    let decrypt = |mechanism, data: Vec<u8>| {
        let key = vec![1];
        let decrypt = Operation::Decrypt { key, mechanism, data };
        world.tokens.perform_and_wait("a", decrypt)
    };
    let sealed = public.encrypt(random, Pkcs1v15Encrypt, secret).unwrap();
    assert_eq!(decrypt(Decryption::RsaPkcs1, sealed).unwrap(), secret);
    let sealed = openssl_oaep(
        &hsm,
        &token.key(&[1]).unwrap().public_key.clone().unwrap(),
        secret,
    );
    assert_eq!(decrypt(Decryption::RsaOaepSha1, sealed).unwrap(), secret);
    // What is no ciphertext costs nothing but an error.
    let refused = decrypt(Decryption::RsaPkcs1, vec![7; 5]).unwrap_err();
    assert!(matches!(refused, TokenError::Refused { .. }), "{refused}");
    world.sign("a", 1, b"x").unwrap();
}

/// Encrypted by OpenSSL, OAEP with SHA-1.
fn openssl_oaep(hsm: &SoftHsm, public: &[u8], secret: &[u8]) -> Vec<u8> {
    let file = |name: &str, bytes: &[u8]| {
        let path = hsm.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let (public, secret) = (file("public.der", public), file("secret", secret));
    let output = Command::new("openssl")
        .args(["pkeyutl", "-encrypt", "-pubin", "-keyform", "DER"])
        .args(["-pkeyopt", "rsa_padding_mode:oaep"])
        .args([
            OsStr::new("-inkey"),
            public.as_os_str(),
            OsStr::new("-in"),
            secret.as_os_str(),
        ])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn keys_are_made_and_imported() {
    let hsm = SoftHsm::new(&["one"]);
    let world = World::new([("a", hsm.settings("one"))]);
    world.usable("a");
    let create = |id: u8, key| {
        let (id, label) = (vec![id], format!("key {id}"));
        let create = Operation::CreateKey { id, label, key };
        world.tokens.perform_and_wait("a", create)
    };
    let kinds = [KeyKind::Rsa(2048), KeyKind::EcP256, KeyKind::Ed25519];
    for (id, kind) in (1..).zip(kinds) {
        let public = create(id, NewKey::Generated(kind)).unwrap();
        // Whoever was told that a key was made finds it in the snapshot.
        let token = world.token("a");
        let key = token.key(&[id]).unwrap();
        assert_eq!(
            (key.kind, key.label.as_str()),
            (kind, format!("key {id}").as_str())
        );
        assert_eq!(key.public_key.as_deref(), Some(public.as_slice()));
        assert!(key.signs && !key.extractable);
    }
    world.sign("a", 1, b"x").unwrap();

    let key = rsa::RsaPrivateKey::new(&mut rsa::rand_core::OsRng, 2048).unwrap();
    let pkcs8 = Zeroizing::new(key.to_pkcs8_der().unwrap().as_bytes().to_vec());
    let public = create(9, NewKey::Rsa(pkcs8.clone())).unwrap();
    assert_eq!(
        RsaPublicKey::from_public_key_der(&public).unwrap(),
        key.to_public_key()
    );
    world.sign("a", 9, b"x").unwrap();
    assert!(!world.token("a").key(&[9]).unwrap().extractable);

    let again = create(9, NewKey::Rsa(pkcs8)).unwrap_err();
    assert!(again.to_string().contains("there already"), "{again}");
    let other = create(10, NewKey::Generated(KeyKind::Other)).unwrap_err();
    assert!(matches!(other, TokenError::Refused { .. }), "{other}");
    let garbage = create(11, NewKey::Rsa(Zeroizing::new(vec![1, 2, 3]))).unwrap_err();
    assert!(matches!(garbage, TokenError::Refused { .. }), "{garbage}");
    let missing = world.sign("a", 77, b"x").unwrap_err();
    assert_eq!(missing, TokenError::NoKey("a".into()));
    assert_eq!(
        world.sign("b", 1, b"x").unwrap_err(),
        TokenError::Unknown("b".into())
    );
}

#[test]
fn data_objects_are_written_replaced_and_removed() {
    let hsm = SoftHsm::new(&["one"]);
    let world = World::new([("a", hsm.settings("one"))]);
    world.usable("a");
    let write = |label: &str, value: &[u8]| {
        let (label, value) = (label.to_owned(), value.to_vec());
        let write = Operation::WriteData { label, value };
        world.tokens.perform_and_wait("a", write).unwrap();
    };
    let read = || {
        let token = world.token("a");
        let data = token
            .data
            .iter()
            .map(|data| (data.label.clone(), data.value.to_vec()));
        data.collect::<Vec<_>>()
    };
    write("licence", b"one");
    write("other", &vec![7; 60_000]);
    write("licence", b"two");
    assert_eq!(
        read(),
        [
            ("licence".into(), b"two".to_vec()),
            ("other".into(), vec![7; 60_000])
        ]
    );
    write("other", b"");
    assert_eq!(read(), [("licence".into(), b"two".to_vec())]);
    // Nobody else's objects are the node's.
    let foreign = hsm.path().join("foreign");
    std::fs::write(&foreign, "theirs").unwrap();
    let arguments = [
        "--write-object",
        foreign.to_str().unwrap(),
        "--type",
        "data",
        "--label",
        "licence",
    ];
    hsm.tool(
        "one",
        &[&arguments[..], &["--application-label", "theirs"]].concat(),
    );
    world.tokens.rescan();
    assert_eq!(read(), [("licence".into(), b"two".to_vec())]);
}

/// Encrypted by OpenSSL to a certificate.
fn openssl_cms(hsm: &SoftHsm, certificate: &str, secret: &[u8]) -> Vec<u8> {
    let path = hsm.path().join("secret");
    std::fs::write(&path, secret).unwrap();
    let output = Command::new("openssl")
        .args(["cms", "-encrypt", "-binary", "-outform", "DER"])
        .args([OsStr::new("-in"), path.as_os_str(), OsStr::new(certificate)])
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    output.stdout
}

#[test]
fn a_certificate_is_written_beside_its_key_and_replaced() {
    let hsm = SoftHsm::new(&["one"]);
    let world = World::new([("a", hsm.settings("one"))]);
    world.usable("a");
    let perform = |operation| world.tokens.perform_and_wait("a", operation);
    let create = |id: u8, key| {
        let label = "of a person".to_owned();
        perform(Operation::CreateKey {
            id: vec![id],
            label,
            key,
        })
        .unwrap()
    };
    let public = create(7, NewKey::GeneratedToDecrypt(KeyKind::Rsa(2048)));
    create(8, NewKey::Generated(KeyKind::Rsa(2048)));
    let token = world.token("a");
    let able = |id: u8| {
        token
            .key(&[id])
            .map(|key| (key.signs, key.decrypts, key.extractable))
    };
    assert_eq!(
        (able(7), able(8)),
        (Some((true, true, false)), Some((true, false, false)))
    );

    let directory = hsm.path().to_str().unwrap();
    let at = |name: &str| format!("{directory}/{name}");
    std::fs::write(at("public.der"), &public).unwrap();
    let issued = |name: &str| {
        let script = format!(
            "cd {directory} && openssl pkey -pubin -inform DER -in public.der -out public.pem && openssl req -new -key \
             {fixtures}/node.key.pem -subj /CN={name} -out request && openssl x509 -req -in request -force_pubkey \
             public.pem -CA {fixtures}/sandbox/rsa.pem -CAkey {fixtures}/sandbox/rsa.key -set_serial 5 -out {name}.pem && \
             openssl x509 -in {name}.pem -outform DER -out {name}.der",
            fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures"),
        );
        let output = Command::new("sh").args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        std::fs::read(at(&format!("{name}.der"))).unwrap()
    };
    for name in ["first", "second"] {
        let der = issued(name);
        let write = Operation::WriteCertificate {
            id: vec![7],
            label: "of a person".into(),
            der: der.clone(),
        };
        perform(write).unwrap();
        let token = world.token("a");
        let [certificate] = &token.certificates[..] else {
            panic!("{:?}", token.certificates.len());
        };
        assert_eq!((certificate.id.as_slice(), &*certificate.der), (&[7][..], &*der));
    }
    // Other programs see it, and what they encrypt to it the key opens.
    let seen = hsm.tool("one", &["--list-objects", "--type", "cert"]);
    assert!(
        seen.contains("CN=second") && seen.contains("of a person"),
        "{seen}"
    );
    let certificates = CertificatesHandle::start(Vec::new(), world.tokens.clone());
    certificates.rescan();
    let certificate = Certificate::read(&std::fs::read(at("second.der")).unwrap()).unwrap();
    let message = openssl_cms(&hsm, &at("second.pem"), b"a marker");
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let opening = certificates.decrypt_cms(certificate.thumbprint(), &message, certificate.not_before);
    assert_eq!(**runtime.block_on(opening).unwrap(), *b"a marker");

    let garbage = Operation::WriteCertificate {
        id: vec![7],
        label: String::new(),
        der: vec![1, 2, 3],
    };
    let refused = perform(garbage).unwrap_err();
    assert!(matches!(refused, TokenError::Refused { .. }), "{refused}");
    assert_eq!(world.token("a").certificates.len(), 1);
}
