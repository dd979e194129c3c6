//! The container image, built and run without an engine: buildah in a chroot, in a network of its own.

use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::container::{Done, possible, run};
use crate::guest::packages;

/// Starts it as the image says, asks for its health as the image says, and stops it as an engine does.
const LIFE: &str = r"
/usr/bin/keynode serve & node=$!
for try in $(seq 300); do keynode status >/dev/null 2>&1 && break; sleep 0.1; done
keynode status
id --user
stat --format '%a %U' /var/lib/keynode /var/lib/keynode/signing.key
kill -TERM $node
wait $node
";

struct Buildah {
    storage: tempfile::TempDir,
}

impl Buildah {
    fn call(&self, arguments: &[&str]) -> Done {
        // The ports are the image's: in the network of this computer they may be taken.
        let alone = "ip link set lo up && exec buildah \"$@\"";
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-euc", alone, "buildah"]);
        let path = |name: &str| self.storage.path().join(name).display().to_string();
        command.args([
            "--storage-driver",
            "vfs",
            "--root",
            &path("root"),
            "--runroot",
            &path("run"),
        ]);
        run(command.args(arguments))
    }

    fn say(&self, arguments: &[&str]) -> String {
        self.call(arguments).ok().trim().to_owned()
    }

    /// An image of a Debian that has what the package depends on, for there is no network.
    fn base(&self) {
        let tar = run(&mut Command::new("tests/guest/rootfs.sh")).ok();
        let container = self.say(&["from", "scratch"]);
        self.say(&["add", "--quiet", &container, tar.trim(), "/"]);
        self.say(&["commit", "--quiet", "--rm", &container, "localhost/base"]);
    }
}

#[test]
fn the_image_serves_as_a_user_without_rights() {
    if !possible() {
        return;
    }
    let buildah = Buildah {
        storage: tempfile::tempdir().unwrap(),
    };
    buildah.base();
    let context = buildah.storage.path().join("context");
    fs::create_dir(&context).unwrap();
    let package = "keynode_1.0.1_amd64.deb";
    fs::copy(packages().join(package), context.join(package)).unwrap();
    let context = context.to_str().unwrap();
    buildah.say(&[
        "build",
        "--isolation",
        "chroot",
        "--format",
        "docker",
        "--quiet",
        "--pull-never",
        "--file",
        "packaging/oci/Containerfile",
        "--build-arg",
        "BASE=localhost/base",
        "--tag",
        "keynode",
        context,
    ]);

    let told: Value = serde_json::from_str(&buildah.say(&["inspect", "--type", "image", "keynode"])).unwrap();
    let config = &told["Docker"]["config"];
    assert_eq!(config["User"], "keynode:keynode");
    assert_eq!(
        config["Healthcheck"]["Test"],
        serde_json::json!(["CMD", "keynode", "status"])
    );
    assert!(config["Volumes"].get("/var/lib/keynode").is_some(), "{config:#}");

    let container = buildah.say(&["from", "--pull-never", "keynode"]);
    let said = buildah.say(&[
        "run",
        "--isolation",
        "chroot",
        &container,
        "--",
        "sh",
        "-euc",
        LIFE,
    ]);
    assert!(said.contains("store        ok"), "{said}");
    let facts: Vec<_> = said.lines().rev().take(3).collect();
    assert_eq!(facts[..2], ["600 keynode", "700 keynode"], "{said}");
    assert_ne!(facts[2], "0", "{said}");

    // Others do not reach it with the initial password. What a program says that ends at once may be lost on its way through
    // this isolation, an exit code is not.
    let refused = "timeout 20 keynode serve 2>&1 | grep -q 'initial password'";
    let container = container.as_str();
    let open = ["--env", "KEYNODE_LISTEN=0.0.0.0:9099", "--isolation", "chroot"];
    let told = buildah.call(&[&["run"], &open[..], &[container, "--", "sh", "-c", refused]].concat());
    assert_eq!(told.code, Some(0), "{told:?}");
}
