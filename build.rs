//! Refuses to build against a libusb that would miss hot-plug: rusb's own build script would quietly compile a copy
//! without udev instead, and such a node is deaf.

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let need = |library: &str, package: &str| {
        pkg_config::Config::new()
            .cargo_metadata(false)
            .probe(library)
            .unwrap_or_else(|error| {
                panic!(
                    "keynode needs the system's {library} with its headers (Debian: {package}), found by pkg-config. \
                     Without it hot-plug would be unreliable, so the build stops here.\n{error}"
                )
            })
    };
    need("libudev", "libudev-dev");
    need("libusb-1.0", "libusb-1.0-0-dev");
    let private = pkg_config::Config::new()
        .statik(true)
        .cargo_metadata(false)
        .probe("libusb-1.0")
        .map(|library| library.libs)
        .unwrap_or_default();
    assert!(
        private.iter().any(|library| library == "udev"),
        "this system's libusb-1.0 is built without libudev (pkg-config --static --libs libusb-1.0 names {private:?}): \
         it loses hot-plug events. Install a libusb with udev support (Debian: libusb-1.0-0-dev)."
    );
}
