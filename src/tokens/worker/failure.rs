//! What a module's errors mean: whose fault, and whether its sessions are good for anything still.

use cryptoki::error::{Error, RvError};

use crate::tokens::wire::{Failure, FailureKind};

impl Failure {
    pub(super) fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self {
            kind,
            text: text.into(),
        }
    }

    pub(super) fn nonsense(what: impl Into<String>) -> Self {
        Self::new(FailureKind::Nonsense, what)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Pkcs11(code, _) => Self::new(kind(code), name(code)),
            Error::NullFunctionPointer | Error::MissingSymbol(_) | Error::NotSupported => {
                Self::new(FailureKind::Asked, "CKR_FUNCTION_NOT_SUPPORTED")
            }
            other => Self::nonsense(other.to_string()),
        }
    }
}

fn kind(code: RvError) -> FailureKind {
    use FailureKind as Kind;
    use RvError as Rv;
    match code {
        Rv::DeviceMemory => Kind::NoRoom,
        Rv::PinIncorrect | Rv::PinInvalid | Rv::PinLenRange => Kind::WrongPin,
        Rv::PinLocked => Kind::LockedPin,
        Rv::ArgumentsBad
        | Rv::AttributeReadOnly
        | Rv::AttributeSensitive
        | Rv::AttributeTypeInvalid
        | Rv::AttributeValueInvalid
        | Rv::ActionProhibited
        | Rv::CurveNotSupported
        | Rv::DataInvalid
        | Rv::DataLenRange
        | Rv::DomainParamsInvalid
        | Rv::EncryptedDataInvalid
        | Rv::EncryptedDataLenRange
        | Rv::FunctionNotSupported
        | Rv::FunctionRejected
        | Rv::KeyFunctionNotPermitted
        | Rv::KeySizeRange
        | Rv::KeyTypeInconsistent
        | Rv::MechanismInvalid
        | Rv::MechanismParamInvalid
        | Rv::SessionReadOnly
        | Rv::TemplateIncomplete
        | Rv::TemplateInconsistent
        | Rv::TokenWriteProtected => Kind::Asked,
        Rv::CryptokiNotInitialized
        | Rv::DeviceError
        | Rv::DeviceRemoved
        | Rv::HostMemory
        | Rv::KeyHandleInvalid
        | Rv::ObjectHandleInvalid
        | Rv::OperationActive
        | Rv::OperationNotInitialized
        | Rv::SessionClosed
        | Rv::SessionHandleInvalid
        | Rv::SlotIdInvalid
        | Rv::TokenNotPresent
        | Rv::TokenNotRecognized => Kind::Gone,
        _ => Kind::Unclear,
    }
}

/// As the standard writes it: `CKR_DEVICE_REMOVED`.
fn name(code: RvError) -> String {
    match code {
        RvError::VendorDefined(number) | RvError::UnknownErrorCode(number) => format!("CKR {number:#x}"),
        known => {
            let mut name = "CKR".to_owned();
            for c in format!("{known:?}").chars() {
                if c.is_ascii_uppercase() {
                    name.push('_');
                }
                name.push(c.to_ascii_uppercase());
            }
            name
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_named_as_in_the_standard() {
        assert_eq!(name(RvError::DeviceRemoved), "CKR_DEVICE_REMOVED");
        assert_eq!(name(RvError::VendorDefined(0x8000_0001)), "CKR 0x80000001");
    }
}
