//! The `SoftHSM2` token of a demo, in the demo's state directory.

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::files;
use crate::settings::{Settings, Token};
use crate::store::Id;
use crate::tokens::TokenState;

use super::super::failure::Failure;
use super::super::signing::OpenToken;
use super::terminal::answer_prompts;

/// NAME of the token in the settings.
pub(super) const NAME: &str = "demo";

/// Its label.
const LABEL: &str = "keynode demo";

/// Where distributions put the module.
const MODULES: [&str; 8] = [
    "/usr/lib/softhsm/libsofthsm2.so",
    "/usr/lib64/pkcs11/libsofthsm2.so",
    "/usr/lib64/softhsm/libsofthsm2.so",
    "/usr/lib64/libsofthsm2.so",
    "/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so",
    "/usr/lib/pkcs11/libsofthsm2.so",
    "/usr/local/lib/softhsm/libsofthsm2.so",
];

const INSTALL: &str = "install SoftHSM2: `apt install softhsm2` (Debian, Ubuntu, Astra) or `dnf install softhsm` (RED OS, Fedora)";

/// A token that is there.
pub(super) struct DemoToken {
    token: Token,
    /// Where it all lies.
    pub(super) directory: PathBuf,
}

impl DemoToken {
    /// Finds the token in the state directory, or makes it.
    pub(super) fn prepare(settings: &Settings) -> Result<Self, Failure> {
        let module = MODULES.iter().map(Path::new).find(|path| path.exists());
        let module =
            module.ok_or_else(|| Failure::Failed(format!("there is no libsofthsm2.so here: {INSTALL}")))?;
        let own = Self::describe(module, &settings.state_dir.join("hsm"))?;
        if OpenToken::look(&own.applied(settings), NAME)?.is(&TokenState::Absent) {
            own.make()?;
        }
        Ok(own)
    }

    /// Has the node look after it.
    pub(super) fn apply(&self, settings: &mut Settings) {
        settings.tokens.insert(NAME.into(), self.token.clone());
    }

    /// What the settings say of it.
    pub(super) fn settings(&self) -> &Token {
        &self.token
    }

    /// The token, opened for as long as that is held.
    pub(super) fn open(&self, settings: &Settings) -> Result<OpenToken, Failure> {
        OpenToken::open(&self.applied(settings), NAME)
    }

    fn applied(&self, settings: &Settings) -> Settings {
        let mut settings = settings.clone();
        self.apply(&mut settings);
        settings
    }

    /// Writes the files that say where the token is.
    fn describe(module: &Path, directory: &Path) -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::of(format!("{}: {error}", directory.display()));
        let absolute = std::path::absolute(directory).map_err(failed)?;
        let (tokens, conf) = (absolute.join("tokens"), absolute.join("softhsm2.conf"));
        let private = DirBuilder::new().recursive(true).mode(0o700).create(&tokens);
        private.map_err(failed)?;
        let text = format!(
            "directories.tokendir = {}\nobjectstore.backend = file\nlog.level = ERROR\n",
            tokens.display()
        );
        fs::write(&conf, text).map_err(failed)?;
        let pin = absolute.join("pin");
        if !pin.exists() {
            write_private(&pin, &random_pin()).map_err(failed)?;
        }
        let environment = [("SOFTHSM2_CONF".to_owned(), conf.to_string_lossy().into_owned())];
        let token = Token {
            module: module.into(),
            label: Some(LABEL.into()),
            serial: None,
            pin_file: Some(pin),
            pin_credential: None,
            environment: environment.into(),
            sessions: 4,
            timeout: std::time::Duration::from_secs(10),
            probe: std::time::Duration::from_secs(1),
        };
        Ok(Self {
            token,
            directory: absolute,
        })
    }

    /// Makes the token. Its PINs go to the program as a user would type them, for arguments are there for all to see.
    fn make(&self) -> Result<(), Failure> {
        let pin = Zeroizing::new(fs::read_to_string(self.directory.join("pin"))?);
        // Nobody will need it: a token without its user PIN is made anew.
        let so_pin = random_pin();
        let answers = [&*so_pin, &*so_pin, pin.trim_end(), pin.trim_end()];
        let mut command = std::process::Command::new("softhsm2-util");
        command.args(["--init-token", "--free", "--label", LABEL]);
        command.envs(&self.token.environment);
        let said = answer_prompts(command, "PIN: ", &answers).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => Failure::Failed(format!("there is no softhsm2-util here: {INSTALL}")),
            _ => Failure::of(format!("softhsm2-util: {error}")),
        })?;
        match said {
            Ok(()) => Ok(()),
            Err(said) => Err(Failure::Failed(format!("softhsm2-util made no token: {said}"))),
        }
    }
}

fn random_pin() -> Zeroizing<String> {
    Zeroizing::new(Id::random().to_string())
}

/// Whole or not there: a PIN of which a part was written would lock the demo out of its token.
pub(super) fn write_private(path: &Path, text: &str) -> io::Result<()> {
    files::replace(path, Zeroizing::new(format!("{text}\n")).as_bytes(), 0o600)
}
