//! Parses the command line and calls `cli`.

fn main() -> std::process::ExitCode {
    keynode::cli::run()
}
