//! `keynode signing init`, `import` and `rotate`: they change the list of keys, and say what is to do next.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};

use aws_lc_rs::rsa::KeySize;

use crate::node::StateDir;
use crate::settings::{OnSigningFailure, Settings, Signing, SigningProvider};
use crate::signing::{KeyList, KeyListLock, Place, PublicKey, Signer, SoftwareKey, give_to_owner};
use crate::store::{AuditEntry, append_audit};
use crate::text::hex;
use crate::tokens::NewKey;

use super::super::failure::Failure;
use super::super::offline::{author, existing_database};
use super::token::OpenToken;
use super::{ImportArgs, InitArgs, NewKeyArgs, RotateArgs};

pub(super) fn init(args: &InitArgs, out: &mut impl Write) -> Result<(), Failure> {
    let settings = Settings::load(&args.settings.0)?.settings;
    // A node whose settings name a token does not start before there is a key: this may come before its first start.
    StateDir::shared_database(&settings.state_dir).map_err(Failure::of)?;
    let mut change = Change::begin(&settings)?;
    let token = OpenToken::open(&settings, &args.token)?;
    let (public, place) = match &args.key {
        Some(key) => token.adopt(key)?,
        None => token.generate(args.new.bits(), &args.new.label)?,
    };
    let given_away = token.gives_away(&place);
    change.put(&public, place)?;
    writeln!(
        out,
        "A key on token {} signs answers once the node takes it up:\n{}",
        args.token, public.pem
    )?;
    if given_away {
        warn_of_copies(out)?;
    }
    next_steps(&settings, &args.token, out)
}

pub(super) fn import(args: &ImportArgs, out: &mut impl Write) -> Result<(), Failure> {
    let settings = Settings::load(&args.settings.0)?.settings;
    let mut change = Change::begin(&settings)?;
    let file = match (&args.file, change.list.software().map(|entry| &entry.place)) {
        (Some(file), _) => file.clone(),
        (None, Some(Place::Software { file })) => settings.state_dir.join(file),
        (None, _) => {
            let told = format!("{}: there is no software key", settings.state_dir.display());
            return Err(Failure::NotFound(told));
        }
    };
    if args.remove_file {
        may_be_removed(&settings.signing, &args.token, &file)?;
    }
    let key = SoftwareKey::read(&file).map_err(Failure::of)?;
    let token = OpenToken::open(&settings, &args.token)?;
    let (public, place) = match token.find(key.public_key()) {
        Some(there) => token.take_up(there)?,
        None => token.create(&args.label, NewKey::Rsa(key.to_pkcs8().map_err(Failure::of)?))?,
    };
    if public != *key.public_key() {
        let told = format!("token {} made another key of it", args.token);
        return Err(Failure::Failed(told));
    }
    if args.remove_file {
        change.forget(&file);
    }
    let given_away = token.gives_away(&place);
    change.put(&public, place)?;
    let name = file.display();
    writeln!(out, "The key of {name} is on token {} now.", args.token)?;
    if given_away {
        warn_of_copies(out)?;
    }
    if args.remove_file {
        fs::remove_file(&file).map_err(|error| Failure::of(format!("{name}: {error}")))?;
        writeln!(out, "{name} is removed; copies and backups of it are not.")?;
    } else {
        writeln!(
            out,
            "{name} is still there, and signs as well as the token does: keep it where on_failure = \"software\" needs \
             it, or\ndestroy it and its copies once the token signs: keynode signing import --token {} --remove-file",
            args.token
        )?;
    }
    next_steps(&settings, &args.token, out)
}

pub(super) fn rotate(args: &RotateArgs, out: &mut impl Write) -> Result<(), Failure> {
    let settings = Settings::load(&args.settings.0)?.settings;
    let mut change = Change::begin(&settings)?;
    if change.list.current(&settings.signing).is_none() {
        let told = "there is no signing key yet; a node makes one at its first start, `keynode signing init` on a token";
        return Err(Failure::NotFound(told.into()));
    }
    let (public, place) = match &settings.signing.token {
        Some(name) if settings.signing.provider == SigningProvider::Pkcs11 => {
            OpenToken::open(&settings, name)?.generate(args.new.bits(), &args.new.label)?
        }
        _ => new_file(&settings.state_dir, &args.new)?,
    };
    change.put(&public, place)?;
    writeln!(
        out,
        "A new key signs answers once the node takes it up:\n{}",
        public.pem
    )?;
    writeln!(
        out,
        "Next:\n  systemctl reload keynode\n  give clients the new public key: keynode public-key"
    )?;
    match settings.signing.provider {
        SigningProvider::Software => writeln!(
            out,
            "The old key verifies old answers; the node removes its file when it takes up the new one."
        )?,
        SigningProvider::Pkcs11 => writeln!(
            out,
            "The old key verifies old answers; its private half stays on the token until you remove it there."
        )?,
    }
    Ok(())
}

impl NewKeyArgs {
    fn bits(&self) -> u32 {
        if self.bits == "3072" { 3072 } else { 2048 }
    }
}

/// The list of keys, which nobody else changes meanwhile.
pub(in crate::cli) struct Change<'a> {
    settings: &'a Settings,
    pub(in crate::cli) list: KeyList,
    _lock: KeyListLock,
}

impl<'a> Change<'a> {
    pub(in crate::cli) fn begin(settings: &'a Settings) -> Result<Self, Failure> {
        let state_dir = &settings.state_dir;
        if !state_dir.is_dir() {
            let told = format!(
                "{}: no node has kept its state here; --state-dir names another place",
                state_dir.display()
            );
            return Err(Failure::NotFound(told));
        }
        let lock = KeyListLock::wait(state_dir).map_err(Failure::of)?;
        Ok(Self {
            settings,
            list: KeyList::load(state_dir).map_err(Failure::of)?,
            _lock: lock,
        })
    }

    /// Puts a key in force, and has it noted.
    pub(in crate::cli) fn put(&mut self, public: &PublicKey, place: Place) -> Result<(), Failure> {
        let author = author();
        let object = match &place {
            Place::Software { file } => format!("file {file}"),
            Place::Pkcs11 { token, id } => format!("token {token}, CKA_ID {id}"),
        };
        self.list.put(public, place, author.time);
        self.list.save(&self.settings.state_dir).map_err(Failure::of)?;
        if !StateDir::is_kept_in(&self.settings.state_dir)? {
            return Ok(());
        }
        let entry = AuditEntry {
            time: author.time,
            actor: author.name,
            event: "signing".into(),
            object,
            detail: format!("RSA-{} key listed as the one to sign", public.bits),
        };
        let mut connection = existing_database(&self.settings.state_dir)?.connect()?;
        append_audit(&mut connection, &[entry]).map_err(Failure::of)
    }

    /// Takes a software key out of the list that is on a token as well.
    fn forget(&mut self, path: &Path) {
        let real = |path: &Path| path.canonicalize().ok();
        let (directory, gone) = (&self.settings.state_dir, real(path));
        self.list.keys.retain(|entry| match &entry.place {
            Place::Software { file } => real(&directory.join(file)) != gone,
            Place::Pkcs11 { .. } => true,
        });
    }
}

/// A node whose settings want the file would make itself another key, which no client knows.
fn may_be_removed(rules: &Signing, token: &str, file: &Path) -> Result<(), Failure> {
    let name = file.display();
    if rules.provider != SigningProvider::Pkcs11 || rules.token.as_deref() != Some(token) {
        return Err(Failure::Usage(format!(
            "{name} still signs by the settings: import it without --remove-file, set signing.provider = \"pkcs11\" and \
             signing.token = \"{token}\", reload the node, then remove the file"
        )));
    }
    if rules.on_failure == OnSigningFailure::Software {
        return Err(Failure::Usage(format!(
            "{name} signs while the token cannot: set signing.on_failure = \"fail\" before it is removed"
        )));
    }
    Ok(())
}

/// A software key in a file of its own.
fn new_file(state_dir: &Path, new: &NewKeyArgs) -> Result<(PublicKey, Place), Failure> {
    let size = if new.bits() == 3072 {
        KeySize::Rsa3072
    } else {
        KeySize::Rsa2048
    };
    let key = SoftwareKey::generate(size).map_err(Failure::of)?;
    let public = key.public_key().clone();
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, public.pem.as_bytes());
    let file = format!("signing-{}.key", hex(&digest.as_ref()[..4]));
    let path: PathBuf = state_dir.join(&file);
    key.write_new(&path).map_err(Failure::of)?;
    give_to_owner(state_dir, &path)
        .and_then(|()| File::open(&path)?.sync_all())
        .map_err(|error| Failure::of(format!("{}: {error}", path.display())))?;
    Ok((public, Place::Software { file }))
}

/// A key that was there may be extractable because its owner wants copies of it: it is not refused, but not passed over.
fn warn_of_copies(out: &mut impl Write) -> Result<(), Failure> {
    writeln!(
        out,
        "Warning: this key can be copied off its token (CKA_EXTRACTABLE is true), and who has a copy signs in this node's \
         name.\nA key that `keynode signing init` makes, without --key, never leaves the token.\n"
    )?;
    Ok(())
}

/// What is to do until the key of this token signs.
fn next_steps(settings: &Settings, token: &str, out: &mut impl Write) -> Result<(), Failure> {
    let rules = &settings.signing;
    writeln!(out, "Next:")?;
    if rules.provider != SigningProvider::Pkcs11 || rules.token.as_deref() != Some(token) {
        writeln!(
            out,
            "  in the settings:\n    [signing]\n    provider = \"pkcs11\"\n    token = \"{token}\"\n    on_failure = \
             \"fail\"  # or \"software\": the software key signs while the token cannot"
        )?;
    }
    writeln!(
        out,
        "  systemctl reload keynode\n  see that it signs: keynode signing show"
    )?;
    Ok(())
}
