//! One body, two tests: with an RSA key in SoftHSM2 and with a GOST key in the test token.

/// `with_both_keys!(name, |world| { ... })` makes the tests `name::rsa` and `name::gost`; the world is a [`World`] whose key
/// is ready. `|mut world|` where it is changed; settings go between: `with_both_keys!(name, settings, |world| { ... })`, a
/// `fn(&mut Settings)`.
///
/// [`World`]: crate::world::World
macro_rules! with_both_keys {
    ($(#[$about:meta])* $name:ident, |$world:pat_param| $body:block) => {
        with_both_keys!($(#[$about])* $name, |_| (), |$world| $body);
    };
    ($(#[$about:meta])* $name:ident, $settings:expr, |$world:pat_param| $body:block) => {
        $(#[$about])*
        mod $name {
            #[test]
            fn rsa() {
                super::$name($crate::keys::Key::SoftHsm);
            }

            #[test]
            fn gost() {
                super::$name($crate::keys::Key::Gost);
            }
        }

        fn $name(key: $crate::keys::Key) {
            let $world = $crate::world::World::with(key, $settings);
            $body
        }
    };
}
