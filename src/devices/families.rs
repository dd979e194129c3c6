//! The families that every node knows, by the public USB id lists; docs/decisions.md says where they come from.

use super::carrier::DriverKind;
use super::catalogue::Family;

/// Vendor, product (none: all others of the vendor), name for people.
type Row = (u16, Option<u16>, &'static str);

/// Foreign families: identified, counted and watched, never opened.
const FOREIGN: &[Row] = &[
    // Aktiv: Guardant and Rutoken.
    (0x0a89, Some(0x0001), "Guardant Stealth/Net"),
    (0x0a89, Some(0x0002), "Guardant ID"),
    (0x0a89, Some(0x0003), "Guardant Stealth II"),
    (0x0a89, Some(0x0004), "Rutoken"),
    (0x0a89, Some(0x0005), "Guardant Fidus"),
    (0x0a89, Some(0x0006), "Guardant Stealth III"),
    (0x0a89, Some(0x0007), "Guardant Stealth II"),
    (0x0a89, Some(0x0008), "Guardant Sign/Time"),
    (0x0a89, Some(0x0009), "Guardant Code"),
    (0x0a89, Some(0x000a), "Guardant Sign Pro"),
    (0x0a89, Some(0x000b), "Guardant Sign Pro (HID)"),
    (0x0a89, Some(0x000c), "Guardant Sign/Time (HID)"),
    (0x0a89, Some(0x000d), "Guardant Code (HID)"),
    (0x0a89, Some(0x000f), "Guardant (firmware update)"),
    (0x0a89, Some(0x0020), "Rutoken S"),
    (0x0a89, Some(0x0026), "Rutoken Lite (HID)"),
    (0x0a89, Some(0x002a), "Rutoken (mass storage)"),
    (0x0a89, Some(0x002b), "Guardant (mass storage)"),
    (0x0a89, Some(0x0040), "Rutoken ECP (HID)"),
    (0x0a89, Some(0x0061), "Rutoken Magistra"),
    (0x0a89, Some(0x0069), "Rutoken smart card reader"),
    (0x0a89, Some(0x0080), "Rutoken PINPad Ex"),
    (0x0a89, Some(0x0081), "Rutoken PINPad In"),
    (0x0a89, Some(0x0082), "Rutoken PINPad 2"),
    (0x0a89, Some(0x0090), "Rutoken U2F"),
    (0x0a89, Some(0x0093), "Rutoken MFA"),
    (0x0a89, Some(0x00c2), "Guardant Sign"),
    (0x0a89, Some(0x00c3), "Guardant Code"),
    (0x0a89, None, "Guardant or Rutoken (Aktiv)"),
    // Aladdin Knowledge Systems, SafeNet, Thales: HASP, Sentinel, eToken.
    (0x0529, Some(0x0001), "HASP or Sentinel HL"),
    (0x0529, Some(0x0003), "Sentinel HL (driverless)"),
    (0x0529, Some(0x030b), "eToken R1"),
    (0x0529, Some(0x0313), "eToken R1"),
    (0x0529, Some(0x031b), "eToken R1"),
    (0x0529, Some(0x0323), "eToken R1"),
    (0x0529, Some(0x0412), "eToken R2"),
    (0x0529, Some(0x041a), "eToken R2"),
    (0x0529, Some(0x0422), "eToken R2"),
    (0x0529, Some(0x042a), "eToken R2"),
    (0x0529, None, "HASP, Sentinel or eToken (Thales)"),
    (0x04b9, Some(0x0300), "Sentinel SuperPro/UltraPro"),
    (0x04b9, Some(0x1000), "SafeNet iKey 1000"),
    (0x04b9, Some(0x1200), "SafeNet iKey 2000"),
    (0x04b9, Some(0x1202), "SafeNet iKey 2032"),
    (0x04b9, Some(0x1206), "SafeNet iKey 4000"),
    (0x04b9, Some(0x1300), "SafeNet iKey 3000"),
    (0x04b9, Some(0x8000), "Sentinel Hardware Key"),
    (0x04b9, None, "Sentinel or iKey (Rainbow)"),
    // WIBU-SYSTEMS.
    (0x064f, Some(0x03e9), "WIBU CmStick (mass storage)"),
    (0x064f, Some(0x03f2), "WIBU CmStick/M (mass storage)"),
    (0x064f, Some(0x03f3), "WIBU CmStick/M (mass storage)"),
    (0x064f, Some(0x0bd7), "WIBU-BOX/U"),
    (0x064f, Some(0x0bd8), "WIBU-BOX/RU"),
    (0x064f, Some(0x2af9), "WIBU CmStick (HID)"),
    (0x064f, Some(0x2b03), "WIBU CmStick/M (HID)"),
    (0x064f, Some(0x5213), "WIBU CmStick/M (composite)"),
    (0x064f, None, "WIBU CodeMeter"),
    // Aladdin R.D.
    (0x24dc, Some(0x0201), "JaCarta reader JCR-770"),
    (0x24dc, Some(0x0406), "JaCarta SF/GOST"),
    (0x24dc, Some(0x0501), "JaCarta U2F"),
    (0x24dc, None, "JaCarta (Aladdin R.D.)"),
    // Beijing Senseshield.
    (0x1bc0, Some(0x0013), "SenseLock Elite-e"),
    (0x1bc0, Some(0x0014), "SenseLock Elite 4"),
    (0x1bc0, Some(0x0020), "SenseLock iToken"),
    (0x1bc0, Some(0x0021), "SenseLock Mikey"),
    (0x1bc0, Some(0x0051), "SenseLock Elite 5"),
    (0x1bc0, Some(0x0055), "SenseLock Elite 5 v3"),
    (0x1bc0, Some(0x485d), "SenseLock Elite IV"),
    (0x1bc0, None, "SenseLock"),
    // Feitian also makes card readers: only keys are named.
    (0x096e, Some(0x0005), "Feitian ePass2000"),
    (0x096e, Some(0x0006), "Feitian Rockey (HID dongle)"),
    (0x096e, Some(0x0120), "Microcosm Dinkey"),
    (0x096e, Some(0x0305), "Feitian ePass2000Auto"),
    (0x096e, Some(0x0309), "Feitian ePass3000GM"),
    (0x096e, Some(0x0401), "Feitian ePass3000"),
    (0x096e, Some(0x0405), "Feitian Zzkey"),
    (0x096e, Some(0x0702), "Feitian ePass3003"),
    (0x096e, Some(0x0703), "Feitian ePass3003Auto"),
    (0x096e, Some(0x0802), "Feitian ePass2000"),
    (0x096e, Some(0x0850), "Feitian ePass FIDO"),
    (0x096e, Some(0x085a), "Feitian MultiPass FIDO"),
    // Clay Logic lends its ids to others: only Nitrokeys are named.
    (0x20a0, Some(0x4107), "Crypto Stick 1.2"),
    (0x20a0, Some(0x4108), "Nitrokey Pro"),
    (0x20a0, Some(0x4109), "Nitrokey Storage"),
    (0x20a0, Some(0x4211), "Nitrokey Start"),
    (0x20a0, Some(0x4230), "Nitrokey HSM"),
    (0x20a0, Some(0x4287), "Nitrokey FIDO U2F"),
    (0x20a0, Some(0x42b1), "Nitrokey FIDO2"),
    (0x20a0, Some(0x42b2), "Nitrokey 3"),
    // Yubico.
    (0x1050, Some(0x0010), "YubiKey (v1 or v2)"),
    (0x1050, Some(0x0030), "YubiHSM 2"),
    (0x1050, Some(0x0120), "YubiKey U2F Security Key"),
    (0x1050, Some(0x0200), "Gnubby U2F"),
    (0x1050, Some(0x0211), "Gnubby"),
    (0x1050, None, "YubiKey"),
    // TechnoData Interware.
    (0x0e50, Some(0x0001), "Matrix USB-Key"),
    (0x0e50, Some(0x0002), "Matrix (HID)"),
    (0x0e50, None, "Matrix"),
];

/// Foreign smart-card tokens (USB class CCID): those readers loop on I/O errors once they were suspended.
const TOKENS: &[Row] = &[
    (0x0a89, Some(0x0025), "Rutoken Lite"),
    (0x0a89, Some(0x0030), "Rutoken ECP"),
    (0x0a89, Some(0x0060), "Rutoken Magistra"),
    (0x0529, Some(0x050c), "eToken PRO"),
    (0x0529, Some(0x0514), "eToken PRO"),
    (0x0529, Some(0x0600), "eToken PRO 64k"),
    (0x0529, Some(0x0602), "eToken 7300"),
    (0x0529, Some(0x0620), "eToken 5100/5110"),
    (0x08e6, Some(0x34cc), "eToken 5300"),
    (0x08e6, Some(0x34ce), "eToken 5300 C"),
    (0x08e6, Some(0x34cf), "eToken 5110+ FIPS"),
    (0x08e6, Some(0x34d2), "eToken Fusion"),
    (0x24dc, Some(0x0101), "JaCarta"),
    (0x24dc, Some(0x0102), "JaCarta LT"),
    (0x24dc, Some(0x0401), "JaCarta WebPass"),
    (0x24dc, Some(0x0402), "JaCarta"),
    (0x24dc, Some(0x0428), "JaCarta"),
    (0x24dc, Some(0x100f), "JaCarta Flash"),
    (0x096e, Some(0x0807), "Feitian ePass2003"),
    (0x096e, Some(0x080a), "Feitian ePass2003Auto"),
    (0x096e, Some(0x080f), "Feitian eJAVA Token"),
];

/// The protocol of docs/hid-carrier.md under the id that pid.codes gives to everybody for tests.
const OPEN_CARRIER: Row = (0x1209, Some(0x0001), "keynode open carrier");

/// All of them.
pub(super) fn built_in() -> impl Iterator<Item = Family> {
    let foreign = FOREIGN.iter().map(|row| family(row, None, false));
    let tokens = TOKENS.iter().map(|row| family(row, None, true));
    foreign
        .chain(tokens)
        .chain([family(&OPEN_CARRIER, Some(DriverKind::Hid), false)])
}

fn family(&(vendor_id, product_id, name): &Row, driver: Option<DriverKind>, stay_awake: bool) -> Family {
    Family {
        name: name.into(),
        vendor_id,
        product_id,
        driver,
        stay_awake,
    }
}
