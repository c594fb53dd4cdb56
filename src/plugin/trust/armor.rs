//! ASCII armor of OpenPGP keys (RFC 9580, section 6.2): only what makes a binary keyring of it.

use base64::{Engine, prelude::BASE64_STANDARD};

const BEGIN: &str = "-----BEGIN PGP PUBLIC KEY BLOCK-----";
const END: &str = "-----END PGP PUBLIC KEY BLOCK-----";

/// The binary form of a keyring, armored or binary already; `None` for broken armor. Several blocks may follow each
/// other.
pub(super) fn dearmor(file: &[u8]) -> Option<Vec<u8>> {
    let Ok(text) = str::from_utf8(file) else {
        return Some(file.to_vec()); // packets begin with a byte that is not UTF-8
    };
    let blocks: Vec<&str> = text.split(BEGIN).skip(1).collect();
    if blocks.is_empty() {
        return None;
    }
    let keys: Option<Vec<Vec<u8>>> = blocks.into_iter().map(block).collect();
    keys.map(|keys| keys.concat())
}

/// Headers, an empty line, Base64, and a checksum that begins with `=`: `gpgv` checks what it is of use for.
fn block(block: &str) -> Option<Vec<u8>> {
    let (inside, _) = block.split_once(END)?;
    let lines = inside.lines().skip(1).skip_while(|line| !line.trim().is_empty());
    let encoded: String = lines.map(str::trim).filter(|line| !line.starts_with('=')).collect();
    let key = BASE64_STANDARD.decode(encoded).ok()?;
    (!key.is_empty()).then_some(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn armor_is_taken_off() {
        let one = "-----BEGIN PGP PUBLIC KEY BLOCK-----\nComment: x\n\naGVs\r\nbG8=\n=abcd\n-----END PGP PUBLIC KEY BLOCK-----\n";
        assert_eq!(dearmor(one.as_bytes()).as_deref(), Some(&b"hello"[..]));
        let two = one.repeat(2);
        assert_eq!(dearmor(two.as_bytes()).as_deref(), Some(&b"hellohello"[..]));
    }

    #[test]
    fn binary_keyrings_stay_as_they_are() {
        assert_eq!(dearmor(b"\x98\x33\x04").as_deref(), Some(&b"\x98\x33\x04"[..]));
    }

    #[test]
    fn broken_armor_is_noticed() {
        for broken in [
            "",
            "hello",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\naGVs",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n-----END PGP PUBLIC KEY BLOCK-----\n",
            "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n*!*\n-----END PGP PUBLIC KEY BLOCK-----\n",
        ] {
            assert_eq!(dearmor(broken.as_bytes()), None, "{broken:?}");
        }
    }
}
