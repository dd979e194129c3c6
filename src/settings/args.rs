//! The settings' flags and environment variables, made from the table of options.

use std::path::PathBuf;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches, parser::ValueSource, value_parser};

use super::{OPTIONS, OptionSpec, Origin, SettingsError, load::Given};

/// Clap's name for `--config`; options are known to clap by their path.
const CONFIG: &str = "config";

/// What the command line and the environment say about settings; `#[command(flatten)]` it into a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettingsArgs {
    /// `--config FILE` or `KEYNODE_CONFIG`.
    pub config: Option<PathBuf>,
    /// Options set by flag or environment, unread as yet.
    pub overrides: Vec<Override>,
}

/// One option set by flag or environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    /// Which.
    pub option: &'static OptionSpec,
    /// Its text.
    pub text: String,
    /// The flag or the variable.
    pub origin: Origin,
}

impl Override {
    pub(super) fn read(&self) -> Result<Given, SettingsError> {
        let Self { option, text, origin } = self;
        let Some(value) = option.kind.parse(text) else {
            let message = format!("{text:?}: expected {}", option.kind.expected());
            return Err(SettingsError::refused(origin.clone(), message));
        };
        Ok(Given {
            spec: option,
            value,
            origin: origin.clone(),
        })
    }
}

impl Args for SettingsArgs {
    fn augment_args(command: Command) -> Command {
        command.arg(config()).args(OPTIONS.iter().map(argument))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// Defines a part of the options, with `--config`, for commands that need no more of a node's settings.
macro_rules! part {
    ($(#[$doc:meta])* $name:ident: $paths:expr) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq)]
        pub struct $name(pub SettingsArgs);

        impl Args for $name {
            fn augment_args(command: Command) -> Command {
                let part = OPTIONS.iter().filter(|option| $paths.contains(&option.path));
                command.arg(config()).args(part.map(argument))
            }

            fn augment_args_for_update(command: Command) -> Command {
                Self::augment_args(command)
            }
        }

        impl FromArgMatches for $name {
            fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
                SettingsArgs::from_arg_matches(matches).map(Self)
            }

            fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
                *self = Self::from_arg_matches(matches)?;
                Ok(())
            }
        }
    };
}

part! {
    /// The options that say where a node keeps its things: for commands that work on them without being a node.
    PlaceArgs: ["state_dir", "licence_dir", "vendor_dir"]
}

part! {
    /// The options that say what signs a node's answers: for commands about its signing keys.
    SigningArgs: [
        "state_dir", "licence_dir", "vendor_dir", "signing.provider", "signing.token", "signing.on_failure"
    ]
}

part! {
    /// The options that say what a node's keys are: for commands that judge them without being a node.
    KeyArgs: ["state_dir", "licence_dir", "vendor_dir", "devices.enabled", "devices.families", "tokens"]
}

part! {
    /// The options that say what a node's keys are and where codes are activated: for commands that activate them
    /// without being a node.
    ActivationArgs: [
        "state_dir", "licence_dir", "vendor_dir", "devices.enabled", "devices.families", "tokens", "activation.centre",
        "activation.ca", "activation.proxy", "activation.timeout"
    ]
}

part! {
    /// The options that say where a centre keeps its things and how it signs: for commands about it.
    CentreArgs: ["state_dir", "tokens", "centre.dir", "centre.token", "centre.token_key"]
}

part! {
    /// The options that say what devices are: for commands that look at them without being a node.
    DeviceArgs: ["state_dir", "vendor_dir", "devices.families", "tokens"]
}

fn config() -> Arg {
    Arg::new(CONFIG)
        .long("config")
        .env("KEYNODE_CONFIG")
        .hide_env_values(true)
        .value_name("FILE")
        .value_parser(value_parser!(PathBuf))
        .help(format!(
            "Settings file [default: {}, if it exists]",
            super::DEFAULT_FILE
        ))
        .help_heading("Settings")
}

/// The short help shows what stands at the top of the file, the long help everything.
fn argument(option: &OptionSpec) -> Arg {
    Arg::new(option.path)
        .long(option.flag())
        .env(option.env())
        .hide_env_values(true)
        .value_name(option.kind.value_name())
        .help(option.help)
        .help_heading("Settings")
        .hide_short_help(!option.section_and_name().0.is_empty())
}

impl FromArgMatches for SettingsArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let overrides = OPTIONS.iter().filter_map(|option| {
            let text = matches.try_get_one::<String>(option.path).ok()??.clone();
            let origin = match matches.value_source(option.path) {
                Some(ValueSource::EnvVariable) => Origin::Env(option.env()),
                _ => Origin::Flag(format!("--{}", option.flag())),
            };
            Some(Override { option, text, origin })
        });
        Ok(Self {
            config: matches.get_one(CONFIG).cloned(),
            overrides: overrides.collect(),
        })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
