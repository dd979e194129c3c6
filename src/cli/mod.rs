//! The command line: one file per noun.

mod activation;
mod audit;
mod backup;
mod carrier_request;
mod centre;
mod certificates;
mod client;
mod completions;
pub mod computer;
pub mod config;
mod connections;
mod definition;
mod demo;
mod devices;
mod doctor;
mod failure;
mod gateway;
mod http;
mod interrupt;
mod keys;
mod lease;
mod licence;
mod man;
mod offline;
mod password;
mod progress;
mod public_key;
mod qr;
mod rescan;
mod screen;
mod sessions;
mod shown;
mod signing;
mod status;
mod table;
mod user;
mod vendor;
mod webhook;

use std::io::{self, Write};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::computer::{Roots, inspect};
use crate::node;
use crate::settings::{Settings, SettingsArgs};
use crate::tokens::worker;

use definition::definition;
use failure::Failure;
use screen::Colour;

/// A licence node: serves licences to the network.
#[derive(Debug, Parser)]
#[command(
    name = "keynode",
    version,
    about,
    max_term_width = 110,
    subcommand_required = true,
    arg_required_else_help = true
)]
struct Cli {
    /// When tables are coloured
    #[arg(long, global = true, value_enum, default_value_t, value_name = "WHEN")]
    color: Colour,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run the node
    Serve(SettingsArgs),
    /// Run a node to try: makes a vendor and licences for this computer, and serves them with admin/admin
    Demo(demo::DemoArgs),
    /// Tell how a running node is
    Status(status::StatusArgs),
    /// Check all that a node needs, and say what to do where something is missing
    Doctor(doctor::DoctorArgs),
    /// Have a running node look at devices and licence files anew
    Rescan(rescan::RescanArgs),
    /// List or show the keys with their verdicts, switch a key off or on
    #[command(subcommand)]
    Keys(keys::KeysCommand),
    /// List, show, watch or release the sessions of a running node
    #[command(subcommand)]
    Sessions(sessions::SessionsCommand),
    /// List, show or close the connections to a running node
    #[command(subcommand)]
    Connections(connections::ConnectionsCommand),
    /// List what a running node keeps for the operators' services
    #[command(subcommand)]
    Gateway(gateway::GatewayCommand),
    /// Add, remove, list or show licence files
    #[command(subcommand)]
    Licence(licence::LicenceCommand),
    /// Get a licence for an activation code, move, renew or return it
    #[command(subcommand)]
    Activation(activation::ActivationCommand),
    /// List, show or watch USB devices; print udev rules; write a licence into a carrier
    #[command(subcommand)]
    Devices(devices::DevicesCommand),
    /// List or show certificates on tokens and in files
    #[command(subcommand)]
    Certificates(certificates::CertificatesCommand),
    /// Show what identifies this computer, or what changed since a licence was bound to it
    #[command(subcommand)]
    Computer(computer::ComputerCommand),
    /// Issue licences as their vendor; trust a vendor
    #[command(subcommand)]
    Vendor(vendor::VendorCommand),
    /// Run a vendor's activation centre, issue codes, handle support cases
    #[command(subcommand)]
    Centre(centre::CentreCommand),
    /// Manage the users of the API
    #[command(subcommand)]
    User(user::UserCommand),
    /// Print the audit log, or check that it is whole
    #[command(subcommand)]
    Audit(audit::AuditCommand),
    /// Try out a webhook of the settings
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Check, show or print a sample of the settings
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Put the key that signs answers on a token, make a new one, list them
    #[command(subcommand)]
    Signing(signing::SigningCommand),
    /// Print the public key that verifies the node's answers (PEM)
    PublicKey(public_key::PublicKeyArgs),
    /// Verify the signature of an answer
    Verify(public_key::VerifyArgs),
    /// Write the node's state into one file, while it runs or not
    ///
    /// In the file: the database with users, sessions, activations and the audit log, the keys that sign answers and
    /// that the gateway's secrets are sealed with, the node's own key for activation, licences, trusted vendors,
    /// revocations, and the settings file. Not in it: PINs, passwords, certificates and their keys that the settings name as
    /// files elsewhere (the end of the output lists them). Keep it like a private key.
    #[command(
        after_help = "Examples:\n  keynode backup /backup/keynode-$(date +%F).tar.gz\n  \
        keynode backup - | ssh other 'cat > keynode.tar.gz'"
    )]
    Backup(backup::BackupArgs),
    /// Make a backup the state of a node that does not run
    ///
    /// Everything is checked before anything is changed. The state from before is kept in the state directory, as
    /// before-restore-TIME.
    #[command(after_help = "Examples:\n  keynode restore --dry-run keynode.tar.gz\n  \
        systemctl stop keynode && keynode restore keynode.tar.gz && systemctl start keynode")]
    Restore(backup::RestoreArgs),
    /// Print what a shell needs to complete this command line
    #[command(after_help = "Examples:\n  source <(keynode completions bash)\n  \
        keynode completions fish > ~/.config/fish/completions/keynode.fish")]
    Completions(completions::CompletionsArgs),
    /// Print the manual page, or write those of all commands
    #[command(
        after_help = "Examples:\n  keynode man | man -l -\n  keynode man --dir /usr/local/share/man/man1"
    )]
    Man(man::ManArgs),
    /// Be the process of a PKCS#11 module; a node starts it
    #[command(hide = true)]
    TokenWorker,
}

/// Runs the command line of this process.
pub fn run() -> ExitCode {
    let cli = Cli::parse();
    screen::wish(cli.color);
    match execute(cli.command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Quiet(code)) => ExitCode::from(code),
        Err(failure) => {
            // Where nobody reads it, the exit code still tells.
            let _ = writeln!(io::stderr(), "keynode: {failure}");
            ExitCode::from(failure.code())
        }
    }
}

fn execute(command: Command) -> Result<(), Failure> {
    let out = &mut io::stdout().lock();
    match command {
        Command::Serve(args) => serve(&args),
        Command::Demo(args) => demo::run(&args, out),
        Command::Status(args) => status::run(&args, out),
        Command::Doctor(args) => doctor::run(&args, out),
        Command::Rescan(args) => rescan::run(&args, out),
        Command::Keys(command) => keys::run(&command, out),
        Command::Sessions(command) => sessions::run(&command, out),
        Command::Connections(command) => connections::run(&command, out),
        Command::Gateway(command) => gateway::run(&command, out),
        Command::Licence(command) => licence::run(&command, out),
        Command::Activation(command) => activation::run(&command, out),
        Command::Devices(command) => devices::run(&command, out),
        Command::Certificates(command) => certificates::run(&command, out),
        Command::Computer(computer::ComputerCommand::Show { json }) => {
            Ok(computer::show(json, &inspect(&Roots::host()), out)?)
        }
        Command::Computer(computer::ComputerCommand::Diff { file, json }) => computer::diff(&file, json, out),
        Command::Vendor(command) => vendor::run(command, out),
        Command::Centre(command) => centre::run(command, out),
        Command::User(command) => user::run(&command, out),
        Command::Audit(command) => audit::run(&command, out),
        Command::Webhook(command) => webhook::run(&command, out),
        Command::Config(command) => Ok(command.run(out)?),
        Command::Signing(command) => signing::run(&command, out),
        Command::PublicKey(args) => public_key::print(&args, out),
        Command::Verify(args) => public_key::verify(&args, out),
        Command::Backup(args) => backup::run(&args, out),
        Command::Restore(args) => backup::restore(&args, out),
        Command::Completions(args) => completions::run(&args, out),
        Command::Man(args) => man::run(&args, out),
        Command::TokenWorker => Ok(worker::run()?),
    }
}

fn serve(args: &SettingsArgs) -> Result<(), Failure> {
    let loaded = Settings::load(args)?;
    node::start_logging(&loaded.settings.log);
    Ok(node::run(&loaded, || Settings::load(args), |_| ())?)
}
