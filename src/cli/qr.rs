//! A text as a QR code on the terminal, for a telephone or a scanner to carry it where no network goes.

use std::env;
use std::io::{self, IsTerminal, Write};

use qrcode::{Color, EcLevel, QrCode};
use rustix::termios::tcgetwinsize;

use super::failure::Failure;

/// Light modules around the code; readers need four.
const QUIET: usize = 4;

/// Black on white whatever the colours of the terminal are; of the 256 colours, for themes change the first 16.
const BLACK_ON_WHITE: &str = "\x1b[38;5;16;48;5;231m";

const RESET: &str = "\x1b[0m";

/// Prints a text as a QR code of the smallest size that holds it. Where standard output is a narrower terminal, a
/// warning goes to standard error.
///
/// # Errors
/// The text is longer than the 2,953 bytes of the largest code, or cannot be written.
pub(super) fn print_qr(text: &str, out: &mut impl Write) -> Result<(), Failure> {
    let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| {
        Failure::Failed(format!(
            "{} bytes do not fit into a QR code, which holds 2,953: take the file there instead (--out, without --qr)",
            text.len()
        ))
    })?;
    let stdout = io::stdout();
    let needed = code.width() + 2 * QUIET;
    let columns = tcgetwinsize(&stdout).map_or(0, |size| usize::from(size.ws_col));
    // A terminal that does not know its width says 0.
    if stdout.is_terminal() && (1..needed).contains(&columns) {
        let _ = writeln!(
            io::stderr(),
            "keynode: the QR code needs {needed} columns and the terminal has {columns}: make it wider or its letters \
             smaller, then print the code again"
        );
    }
    let dumb = env::var_os("TERM").is_none_or(|term| term == "dumb");
    let coloured = stdout.is_terminal() && !dumb && env::var_os("NO_COLOR").is_none();
    out.write_all(drawn(&code, coloured).as_bytes())?;
    out.flush()?;
    Ok(())
}

/// Two modules to a character, one above the other. In colours: dark on light. Without them: blocks are light, as
/// letters on a dark terminal are.
fn drawn(code: &QrCode, coloured: bool) -> String {
    let width = code.width();
    let is_dark = |x: usize, y: usize| {
        let inside = (QUIET..QUIET + width).contains(&x) && (QUIET..QUIET + width).contains(&y);
        inside && code[(x - QUIET, y - QUIET)] == Color::Dark
    };
    let side = width + 2 * QUIET;
    let mut text = String::new();
    for y in (0..side).step_by(2) {
        if coloured {
            text.push_str(BLACK_ON_WHITE);
        }
        for x in 0..side {
            // The number of rows is odd: below the last one is nothing, which is drawn as a light module.
            let pair = (is_dark(x, y) == coloured, is_dark(x, y + 1) == coloured);
            text.push(match pair {
                (true, true) => '█',
                (true, false) => '▀',
                (false, true) => '▄',
                (false, false) => ' ',
            });
        }
        if coloured {
            text.push_str(RESET);
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;
    use crate::activation::{Action, NodeIdentity, Nonce, REQUEST_VERSION, Request, seal_request};
    use crate::licence::binding::{Binding, Component, ComponentKind, ComputerBinding};
    use crate::licence::{
        ActivationCode, FORMAT_VERSION, Iec, Itn, KeyId, KeyType, Licence, Timestamp, seal,
    };

    /// The printed code as a picture, four dots to a module.
    fn picture(printed: &str, coloured: bool) -> String {
        let lines: Vec<Vec<char>> = printed
            .replace(BLACK_ON_WHITE, "")
            .replace(RESET, "")
            .lines()
            .map(|line| line.chars().collect())
            .collect();
        let width = lines[0].len();
        let mut dots = format!("P1\n{} {}\n", width * 4, lines.len() * 8);
        for row in 0..lines.len() * 8 {
            for column in 0..width * 4 {
                let drawn = match lines[row / 8][column / 4] {
                    '█' => true,
                    '▀' => row % 8 < 4,
                    '▄' => row % 8 >= 4,
                    ' ' => false,
                    other => panic!("{other:?}"),
                };
                dots.push(if drawn == coloured { '1' } else { '0' });
            }
            dots.push('\n');
        }
        dots
    }

    /// What another program reads in the picture.
    fn scanned(picture: &str) -> String {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("code.pbm");
        std::fs::write(&file, picture).unwrap();
        let mut zbarimg = Command::new("zbarimg");
        let output = zbarimg.args(["--quiet", "--raw"]).arg(file).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        text.strip_suffix('\n').unwrap().to_owned()
    }

    fn read_back(text: &str) {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).unwrap();
        for coloured in [false, true] {
            let printed = drawn(&code, coloured);
            assert_eq!(
                scanned(&picture(&printed, coloured)),
                text,
                "coloured: {coloured}"
            );
        }
    }

    /// Twelve components, more than computers commonly have.
    fn components() -> Vec<Component> {
        use ComponentKind::{BoardSerial, Disk, Mac, MachineId, Ram};
        let kinds = [MachineId, BoardSerial, Mac, Disk];
        let ram = Component {
            kind: Ram,
            value: "1024".into(),
        };
        let hashed = (0_u128..11).map(|number| Component {
            kind: kinds[number as usize % kinds.len()],
            value: format!("{:032x}", (number + 1).wrapping_mul(u128::MAX / 13)),
        });
        hashed.chain([ram]).collect()
    }

    #[test]
    fn what_is_printed_can_be_read() {
        read_back("4345-9320-2035-7421-5361");
        read_back(&"keynode ".repeat(30));
    }

    #[test]
    fn a_request_of_a_whole_computer_fits() {
        let dir = tempfile::tempdir().unwrap();
        let code = ActivationCode::parse("4345-9320-2035-7421-5361").unwrap();
        let request = Request {
            version: REQUEST_VERSION,
            action: Action::Activate,
            code: code.clone(),
            itn: Itn::parse("1234567894").unwrap(),
            iec: Some(Iec::parse("770701001").unwrap()),
            nonce: Nonce::from_bytes([7; 16]),
            last: Some(Nonce::from_bytes([8; 16])),
            time: Timestamp::from_millis(1_600_000_000_123),
            recovery: Some(code),
            computer: Some(components()),
            carrier: None,
        };
        let text = seal_request(&request, &NodeIdentity::open(dir.path()).unwrap());
        println!("a request: {} bytes", text.len());
        read_back(&text);
    }

    #[test]
    fn the_licence_for_it_fits() {
        let date = Timestamp::parse("2026-03-30T21:00:00.414Z").unwrap();
        let licence = Licence {
            version: FORMAT_VERSION.into(),
            key_no: 4_503_599_627_370_496,
            key_id: KeyId::parse("672B").unwrap(),
            reg_no: 20_200_000,
            key_type: KeyType::Additional,
            service_type: 0,
            licence_count: 500,
            product_version: 3,
            blank_key_no: None,
            activation_code: Some(ActivationCode::parse("4345-9320-2035-7421-5361").unwrap()),
            activation_date: date,
            start_date: Some(date),
            period: 365,
            flags: 0b101,
            itn: Some(Itn::parse("1234567894").unwrap()),
            iec: Some(Iec::parse("770701001").unwrap()),
            product_name: "Тестовая серия".into(),
            article: "1111111111111".into(),
            article_name: "Тестовая номенклатура для проверки".into(),
            support_date: Some(date),
            support_period: Some(365),
            industry_support_date: Some(date),
            industry_support_period: Some(365),
            product_version_name: Some("3.0".into()),
            recovered: false,
            binding: Binding::Computer(ComputerBinding {
                components: components(),
                tolerance: 1,
            }),
            issued: Some(date),
            nonce: Some(Nonce::from_bytes([7; 16]).to_string()),
        };
        // As long as a signature by an RSA key of 3,072 bits, the length of keys that `vendor init` makes.
        let kid = "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae";
        let text = seal::<()>(&licence, kid, |_| Ok(vec![0x5a; 384])).unwrap();
        println!("a licence: {} bytes", text.len());
        read_back(&text);
    }

    #[test]
    fn what_does_not_fit_says_so() {
        let mut printed = Vec::new();
        assert!(print_qr(&"a".repeat(2953), &mut printed).is_ok());
        let failure = print_qr(&"a".repeat(2954), &mut printed).unwrap_err();
        assert!(
            failure.to_string().contains("2954 bytes") && failure.to_string().contains("--out"),
            "{failure}"
        );
    }
}
