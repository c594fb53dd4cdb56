//! influx-proxy's obfuscation of user names and passwords.
//!
//! AES-128-CBC with a published key that is also the initialisation vector: whoever has the ciphertext has the text.
//! The plain text is filled up with NUL bytes to whole blocks (not at all when it is whole already); the result is
//! base64 with `_` and `!` for 62 and 63 and no padding. Decrypting strips NUL bytes from **both** ends.

use aes::Aes128;
use base64::{
    Engine as _,
    alphabet::Alphabet,
    engine::{GeneralPurpose, general_purpose::NO_PAD},
};
use cbc::cipher::{
    BlockModeDecrypt, BlockModeEncrypt, KeyIvInit,
    block_padding::{NoPadding, ZeroPadding},
};

use crate::base::ErrorKind;

/// The key that `/decrypt` asks for; key and initialisation vector of the cipher.
pub const KEY: &str = "consistentcipher";

/// The digits of the base64 text, 0 to 63.
const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_!";

/// The text is not ciphertext. The messages are those of the Go libraries behind influx-proxy, which answers them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidCipher {
    /// A byte, by its offset from 0, that is no digit, or the only digit of the last four.
    #[error("illegal base64 data at input byte {0}")]
    Base64(usize),
    /// The decoded length is not a multiple of 16.
    #[error("crypto/cipher: input not full blocks")]
    Blocks,
}

impl InvalidCipher {
    /// The class of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        match self {
            Self::Base64(_) | Self::Blocks => ErrorKind::InvalidArgument,
        }
    }
}

/// Encrypts as `/encrypt` does. Nothing becomes nothing.
#[must_use]
pub fn encrypt(plain: &[u8]) -> String {
    let alphabet = Alphabet::new(DIGITS).expect("64 distinct printable characters");
    let blocks = cbc::Encryptor::<Aes128>::new(&key().into(), &key().into()).encrypt_padded_vec::<ZeroPadding>(plain);
    GeneralPurpose::new(&alphabet, NO_PAD).encode(blocks)
}

/// Decrypts as `/decrypt` does. The result need not be UTF-8.
///
/// # Errors
/// When the text is not base64 in this alphabet, or not whole blocks.
pub fn decrypt(cipher: &str) -> Result<Vec<u8>, InvalidCipher> {
    let blocks = decode(cipher.as_bytes())?;
    let plain = cbc::Decryptor::<Aes128>::new(&key().into(), &key().into())
        .decrypt_padded_vec::<NoPadding>(&blocks)
        .map_err(|_| InvalidCipher::Blocks)?;
    let start = plain.iter().position(|byte| *byte != 0).unwrap_or(plain.len());
    let end = plain.iter().rposition(|byte| *byte != 0).map_or(start, |last| last + 1);
    Ok(plain[start..end].to_vec())
}

fn key() -> [u8; 16] {
    KEY.as_bytes().try_into().expect("the key is 16 bytes long")
}

/// Base64 as Go's `RawEncoding` reads it: line breaks are skipped, left-over bits ignored, errors carry the offset.
fn decode(text: &[u8]) -> Result<Vec<u8>, InvalidCipher> {
    let mut bytes = Vec::with_capacity(text.len() / 4 * 3 + 3);
    let (mut bits, mut digits) = (0_u32, 0_u32);
    for (offset, byte) in text.iter().enumerate() {
        if matches!(byte, b'\r' | b'\n') {
            continue;
        }
        let digit = DIGITS.bytes().position(|digit| digit == *byte);
        let digit = digit.and_then(|digit| u32::try_from(digit).ok());
        bits = bits << 6 | digit.ok_or(InvalidCipher::Base64(offset))?;
        digits += 1;
        if digits == 4 {
            bytes.extend_from_slice(&bits.to_be_bytes()[1..]);
            (bits, digits) = (0, 0);
        }
    }
    match digits {
        1 => return Err(InvalidCipher::Base64(text.len() - 1)),
        2 => bytes.push((bits << 12).to_be_bytes()[1]),
        3 => bytes.extend_from_slice(&(bits << 6).to_be_bytes()[1..3]),
        _ => {}
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::{env, fs, path::Path};

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn encrypts_and_decrypts() {
        let check = |plain: &str, cipher: &str| {
            assert_eq!(encrypt(plain.as_bytes()), cipher);
            assert_eq!(decrypt(cipher), Ok(plain.as_bytes().to_vec()));
        };
        check("", "");
        check("admin", "YgvEyuPZlDYAH8sGDkC!Ag");
        check("a", "!_3e4!w59RjD4_1KY2APNw");
        check("0123456789abcdef", "CADsguKx8D5nVxhjWH4NTw");
        check("0123456789abcdefg", "CADsguKx8D5nVxhjWH4NT8JYcHun_1Q8zZ1eqFOJlmc");
        check("汉字", "5CNWjfOSZhYiW5CDfMsS3Q");
    }

    #[test]
    fn nul_bytes_are_lost_at_both_ends() {
        assert_eq!(decrypt(&encrypt(b"\0a\0b\0")), Ok(b"a\0b".to_vec()));
        assert_eq!(decrypt(&encrypt(&[0; 32])), Ok(Vec::new()));
    }

    #[test]
    fn refuses_what_is_no_ciphertext() {
        let check = |cipher: &str, message: &str| assert_eq!(decrypt(cipher).unwrap_err().to_string(), message);
        check("=", "illegal base64 data at input byte 0");
        check("YWJj", "crypto/cipher: input not full blocks");
        check("YgvEyuPZlDYAH8sGDkC-Ag", "illegal base64 data at input byte 19");
        check("YgvEyuPZlDYAH8sGDkC!Ag==", "illegal base64 data at input byte 22");
        check("YgvEyuPZlDYAH8sGDkC!A", "illegal base64 data at input byte 20");
        check("汉", "illegal base64 data at input byte 0");
        check("AA", "crypto/cipher: input not full blocks");
        assert_eq!(decrypt("YgvEyuPZlD\r\nYAH8sGDkC!Ag\n"), Ok(b"admin".to_vec()));
    }

    proptest! {
        #[test]
        fn decrypt_undoes_encrypt(plain in prop::collection::vec(1_u8.., 0..80)) {
            prop_assert_eq!(decrypt(&encrypt(&plain)), Ok(plain));
        }

        #[test]
        fn any_text_is_read_without_panic(text in ".*") {
            prop_assert!(decrypt(&text).is_ok() || !text.is_empty());
        }
    }

    #[test]
    fn conformance() {
        let Some(folder) = env::var_os("GYRE_CONFORMANCE") else {
            return;
        };
        let text = fs::read_to_string(Path::new(&folder).join("influx-proxy/cases.json")).unwrap();
        let shared: serde_json::Value = serde_json::from_str(&text).unwrap();
        for case in shared["oracle"]["cipher"].as_array().unwrap() {
            let [plain, cipher, back] = ["plain", "cipher", "decrypts_to"].map(|key| case[key].as_str().unwrap());
            assert_eq!(encrypt(plain.as_bytes()), cipher);
            assert_eq!(decrypt(cipher).unwrap(), back.as_bytes());
        }
        for case in shared["oracle"]["cipher_decrypt_errors"].as_array().unwrap() {
            let [cipher, answer] = ["cipher", "text"].map(|key| case[key].as_str().unwrap());
            let answered = decrypt(cipher).map_or_else(|e| e.to_string(), |plain| String::from_utf8(plain).unwrap());
            assert_eq!(answered, answer);
        }
    }
}
