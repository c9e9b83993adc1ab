//! A device that keeps passkeys, as a browser would ask it: it really signs.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

const USER_PRESENT: u8 = 0x01;
const USER_VERIFIED: u8 = 0x04;
const BACKUP_ELIGIBLE: u8 = 0x08;
const BACKED_UP: u8 = 0x10;
const HAS_KEY: u8 = 0x40;

/// One passkey on one device, and how truthful browser and device are.
#[derive(Clone)]
pub struct Authenticator {
    key: SigningKey,
    pub id: Vec<u8>,
    pub user_handle: String,
    pub counter: u32,
    pub origin: String,
    pub site: String,
    /// The device asked for a finger or a PIN.
    pub verifies: bool,
    pub is_synced: bool,
}

impl Authenticator {
    /// A device whose browser stands at this origin.
    pub fn at(origin: &str) -> Self {
        let site = url::Url::parse(origin).unwrap().host_str().unwrap().to_owned();
        let key = SigningKey::from_slice(&rand::random::<[u8; 32]>()).unwrap();
        let id = rand::random::<[u8; 24]>().to_vec();
        let origin = origin.to_owned();
        Self { key, id, user_handle: String::new(), counter: 0, origin, site, verifies: true, is_synced: false }
    }

    fn client_data(&self, kind: &str, options: &Value) -> Vec<u8> {
        let data =
            json!({ "type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": false });
        data.to_string().into_bytes()
    }

    fn data(&mut self, more: u8) -> Vec<u8> {
        self.counter += 1;
        let mut flags = USER_PRESENT | more;
        if self.verifies {
            flags |= USER_VERIFIED;
        }
        if self.is_synced {
            flags |= BACKUP_ELIGIBLE | BACKED_UP;
        }
        let mut data = Sha256::digest(&self.site).to_vec();
        data.push(flags);
        data.extend(self.counter.to_be_bytes());
        data
    }

    /// `navigator.credentials.create()`.
    pub fn make(&mut self, options: &Value) -> Value {
        options["user"]["id"].as_str().unwrap().clone_into(&mut self.user_handle);
        let point = self.key.verifying_key().to_encoded_point(false);
        let mut data = self.data(HAS_KEY);
        data.extend([0; 16]);
        data.extend(u16::try_from(self.id.len()).unwrap().to_be_bytes());
        data.extend(&self.id);
        // COSE: an EC2 key for ES256 on P-256, with x and y.
        data.extend([0xa5, 0x01, 0x02, 0x03, 0x26, 0x20, 0x01, 0x21, 0x58, 0x20]);
        data.extend(point.x().unwrap());
        data.extend([0x22, 0x58, 0x20]);
        data.extend(point.y().unwrap());
        // CBOR: {"fmt": "none", "attStmt": {}, "authData": data}
        let mut object = vec![0xa3, 0x63];
        object.extend(b"fmt");
        object.push(0x64);
        object.extend(b"none");
        object.push(0x67);
        object.extend(b"attStmt");
        object.extend([0xa0, 0x68]);
        object.extend(b"authData");
        object.extend([0x58, u8::try_from(data.len()).unwrap()]);
        object.extend(data);
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "authenticatorAttachment": "platform",
            "clientExtensionResults": { "credProps": { "rk": true } },
            "response": { "clientDataJSON": URL_SAFE_NO_PAD.encode(self.client_data("webauthn.create", options)),
                "attestationObject": URL_SAFE_NO_PAD.encode(object), "transports": ["internal", "hybrid"] } })
    }

    /// `navigator.credentials.get()`.
    pub fn prove(&mut self, options: &Value) -> Value {
        let client_data = self.client_data("webauthn.get", options);
        let data = self.data(0);
        let mut signed = data.clone();
        signed.extend(Sha256::digest(&client_data));
        let signature: Signature = self.key.sign(&signed);
        let id = URL_SAFE_NO_PAD.encode(&self.id);
        json!({ "id": id, "rawId": id, "type": "public-key", "clientExtensionResults": {},
            "response": { "clientDataJSON": URL_SAFE_NO_PAD.encode(client_data),
                "authenticatorData": URL_SAFE_NO_PAD.encode(data),
                "signature": URL_SAFE_NO_PAD.encode(signature.to_der()), "userHandle": self.user_handle } })
    }
}
