//! Lays the layers over one another.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use toml::{Table, Value};

use super::{
    DEFAULT_FILE, OptionSpec, Origin, Settings, SettingsArgs, SettingsError, check, file, types::state_home,
};

/// The settings in force and where they came from.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The settings.
    pub settings: Settings,
    /// The file that was read, if any.
    pub file: Option<PathBuf>,
    origins: BTreeMap<&'static str, Origin>,
}

impl Loaded {
    /// Where an option's value came from.
    pub fn origin(&self, option: &OptionSpec) -> &Origin {
        self.origins.get(option.path).unwrap_or(&Origin::Default)
    }
}

/// Settings of which nobody knows where they came from.
impl From<Settings> for Loaded {
    fn from(settings: Settings) -> Self {
        Self {
            settings,
            file: None,
            origins: BTreeMap::new(),
        }
    }
}

/// An option's accepted value in one layer.
#[derive(Debug, Clone)]
pub(super) struct Given {
    pub(super) spec: &'static OptionSpec,
    pub(super) value: Value,
    pub(super) origin: Origin,
}

impl Settings {
    /// Reads the settings file and lays environment and flags over it. Called at start and again on SIGHUP.
    ///
    /// # Errors
    /// A file that was named and cannot be read; the first key or value that is not accepted, with its place.
    pub fn load(args: &SettingsArgs) -> Result<Loaded, SettingsError> {
        Self::load_with(args, args.config.clone().or_else(default_file))
    }

    /// The settings of a node to try: only a file that was named counts, for the default one is a real node's,
    /// and the state directory is one in the user's state home, for root too.
    ///
    /// # Errors
    /// As [`Settings::load`].
    pub fn load_for_demo(args: &SettingsArgs) -> Result<Self, SettingsError> {
        let mut loaded = Self::load_with(args, args.config.clone())?;
        let set = |path| loaded.origins.contains_key(path);
        if !set("state_dir") {
            let home = state_home(|name| std::env::var_os(name));
            let home = home.unwrap_or_else(|| Path::new("/var/lib").to_path_buf());
            loaded.settings.state_dir = home.join("keynode-demo");
        }
        Ok(loaded.settings)
    }

    fn load_with(args: &SettingsArgs, file: Option<PathBuf>) -> Result<Loaded, SettingsError> {
        let mut layers = match &file {
            None => Vec::new(),
            Some(path) => file::read(path, &read(path)?)?,
        };
        for change in &args.overrides {
            layers.push(change.read()?);
        }
        let (settings, origins) = merge(layers)?;
        Ok(Loaded {
            settings,
            file,
            origins,
        })
    }
}

/// Its absence is fine; any other trouble with it is left for `read` to report.
fn default_file() -> Option<PathBuf> {
    let path = Path::new(DEFAULT_FILE);
    path.try_exists().unwrap_or(true).then(|| path.to_path_buf())
}

fn read(path: &Path) -> Result<String, SettingsError> {
    let unreadable = |source: io::Error| SettingsError::Unreadable {
        path: path.to_path_buf(),
        source,
    };
    fs::read_to_string(path).map_err(unreadable)
}

type Merged = (Settings, BTreeMap<&'static str, Origin>);

fn merge(layers: Vec<Given>) -> Result<Merged, SettingsError> {
    let mut root = Table::new();
    let mut origins = BTreeMap::new();
    for Given { spec, value, origin } in layers {
        let (section, name) = spec.section_and_name();
        let table = if section.is_empty() {
            &mut root
        } else {
            let entry = root.entry(section).or_insert_with(|| Value::Table(Table::new()));
            entry.as_table_mut().expect("no option has the name of a section")
        };
        table.insert(name.to_owned(), value);
        origins.insert(spec.path, origin);
    }
    // Each value was accepted by its kind already: this fails only if a kind accepts what the type does not.
    let settings: Settings = root
        .try_into()
        .map_err(|error: toml::de::Error| SettingsError::refused(Origin::Default, error.message()))?;
    if let Err((paths, message)) = check::together(&settings) {
        // Of the options at odds, the first that somebody set is the one to look at.
        let origin = paths
            .iter()
            .find_map(|path| origins.get(path))
            .cloned()
            .unwrap_or(Origin::Default);
        return Err(SettingsError::refused(origin, message));
    }
    Ok((settings, origins))
}
