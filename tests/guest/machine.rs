//! The machine: QEMU under software emulation, with a stock Debian kernel. Never left behind.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;
use tempfile::TempDir;

use crate::agent::{Agent, Done};
use crate::image::Image;
use crate::qmp::Qmp;

/// A boot takes 10 s on two free cores.
const BOOT: Duration = Duration::from_mins(3);

/// What the kernel is told: nothing that is slow under emulation, and its words on the serial port.
const KERNEL_ARGUMENTS: &str = "console=ttyS0 loglevel=4 rw panic=-1 mitigations=off audit=0 apparmor=0 selinux=0 \
    cryptomgr.notests random.trust_cpu=on systemd.show_status=no";

/// A machine that runs. Dropping it ends it.
pub(crate) struct Machine {
    child: Child,
    qmp: Qmp,
    agent: Agent,
    serial: PathBuf,
    /// Sockets and logs.
    _directory: TempDir,
}

impl Machine {
    /// Boots, with these more arguments for QEMU; returns when the guest's shell answers.
    pub(crate) fn boot(image: &Image, more: &[&str]) -> Result<Self, String> {
        let directory = tempfile::tempdir().map_err(|error| error.to_string())?;
        let file = |name: &str| directory.path().join(name);
        let errors = fs::File::create(file("qemu.log")).map_err(|error| error.to_string())?;
        // Ended by the kernel too, should this test be killed.
        let mut child = Command::new("setpriv")
            .args(["--pdeathsig", "KILL", "--", "qemu-system-x86_64"])
            .args(arguments(image, directory.path()))
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("setpriv does not start: {error}"))?;
        let serial = file("serial.log");
        let up = connect(&mut child, &file("qmp"))
            .and_then(Qmp::greet)
            .and_then(|qmp| Ok((qmp, connect(&mut child, &file("agent"))?)))
            .and_then(|(qmp, shell)| Ok((qmp, Agent::greet(shell, BOOT)?)));
        match up {
            Ok((qmp, agent)) => Ok(Self {
                child,
                qmp,
                agent,
                serial,
                _directory: directory,
            }),
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                let said = fs::read_to_string(file("qemu.log")).unwrap_or_default();
                Err(format!(
                    "{error}\nQEMU said: {said}\nthe guest said: {}",
                    tail(&serial)
                ))
            }
        }
    }

    /// Runs a command of the guest's shell, however it ends.
    pub(crate) fn run(&mut self, command: &str) -> Done {
        match self.agent.run(command) {
            Ok(done) => done,
            Err(error) => panic!("{error}\nthe guest said: {}", tail(&self.serial)),
        }
    }

    /// Runs a command that must succeed; what it printed.
    pub(crate) fn sh(&mut self, command: &str) -> String {
        let done = self.run(command);
        assert_eq!(done.code, 0, "`{command}` in the guest: {}", done.text);
        done.text
    }

    /// Plugs an emulated USB device in; `id` names it for [`Machine::pull`].
    pub(crate) fn plug(&mut self, driver: &str, id: &str, serial: &str) {
        let arguments = json!({ "driver": driver, "id": id, "serial": serial, "bus": "xhci.0" });
        if let Err(error) = self.qmp.execute("device_add", &arguments) {
            panic!("{error}");
        }
    }

    /// Pulls an emulated USB device.
    pub(crate) fn pull(&mut self, id: &str) {
        if let Err(error) = self.qmp.execute("device_del", &json!({ "id": id })) {
            panic!("{error}");
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        // Nothing in it is worth a shutdown: its disks are thrown away.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn arguments(image: &Image, directory: &Path) -> Vec<String> {
    let text = |path: &Path| path.display().to_string();
    let socket = |id: &str| {
        format!(
            "socket,id={id},server=on,wait=off,path={}",
            text(&directory.join(id))
        )
    };
    let disk = |path: &Path| {
        format!(
            "if=virtio,format=raw,snapshot=on,cache=unsafe,file={}",
            text(path)
        )
    };
    let words = [
        "-machine",
        "q35",
        "-accel",
        "tcg,thread=multi",
        "-cpu",
        "max",
        "-smp",
        "2",
        "-m",
        "768",
        "-nodefaults",
        "-no-user-config",
        "-display",
        "none",
        "-no-reboot",
        "-kernel",
        &text(&image.kernel),
        "-initrd",
        &text(&image.initrd),
        "-append",
        KERNEL_ARGUMENTS,
        "-drive",
        &disk(&image.root),
        "-drive",
        &disk(&image.files),
        "-serial",
        &format!("file:{}", text(&directory.join("serial.log"))),
        "-device",
        "virtio-serial-pci",
        "-chardev",
        &socket("agent"),
        "-device",
        "virtserialport,chardev=agent,name=agent",
        "-chardev",
        &socket("qmp"),
        "-mon",
        "chardev=qmp,mode=control",
        // What only root may read of a computer's identity.
        "-smbios",
        "type=1,uuid=6f1c2b8e-90d3-4a57-b1c4-2d7e5a3f9081,serial=GUEST-4711",
        // Ports enough that QEMU puts no hub in between.
        "-device",
        "virtio-rng-pci",
        "-device",
        "qemu-xhci,id=xhci,p2=15,p3=15",
    ];
    words.iter().map(ToString::to_string).collect()
}

/// Connects to a socket of QEMU, which may only just be starting: a socket is there before it listens.
fn connect(child: &mut Child, socket: &Path) -> Result<UnixStream, String> {
    let end = Instant::now() + Duration::from_secs(30);
    loop {
        match UnixStream::connect(socket) {
            Ok(stream) => return Ok(stream),
            Err(error) if Instant::now() > end => return Err(format!("{}: {error}", socket.display())),
            Err(_) => {}
        }
        if let Ok(Some(status)) = child.try_wait() {
            return Err(format!("QEMU ended: {status}"));
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// The end of a log.
fn tail(path: &Path) -> String {
    let text = fs::read(path).unwrap_or_default();
    String::from_utf8_lossy(&text[text.len().saturating_sub(4000)..]).into_owned()
}
