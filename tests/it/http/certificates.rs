//! Certificates for the tests, made when they run: a CA, a server and clients.

use std::fs;
use std::path::Path;

use rcgen::{
    BasicConstraints, Certificate, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    SanType,
};

/// The names in the certificate of the client.
pub const CLIENT_NAMES: [&str; 2] = ["prometheus.contoso.com", "10.0.0.1"];

/// Writes `ca.crt`, `server.crt` for 127.0.0.1 and localhost, `client.crt`, and `stranger.crt`, which signed itself,
/// each with its key. Returns the CA.
pub fn write(folder: &Path) -> Issuer<'static, KeyPair> {
    let ca_key = KeyPair::generate().unwrap();
    let mut ca = CertificateParams::new(Vec::new()).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, "test CA");
    let signed = ca.self_signed(&ca_key).unwrap();
    store(folder, "ca", &signed, &ca_key);
    let ca = Issuer::new(ca, ca_key);
    renew_server(folder, &ca);

    let key = KeyPair::generate().unwrap();
    let mut client = CertificateParams::new(vec![CLIENT_NAMES[0].to_owned()]).unwrap();
    client.subject_alt_names.push(SanType::IpAddress(CLIENT_NAMES[1].parse().unwrap()));
    client.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    store(folder, "client", &client.signed_by(&key, &ca).unwrap(), &key);

    let key = KeyPair::generate().unwrap();
    let mut stranger = CertificateParams::new(vec!["stranger.example.com".to_owned()]).unwrap();
    stranger.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    store(folder, "stranger", &stranger.self_signed(&key).unwrap(), &key);
    ca
}

/// Writes another certificate and key of the server, signed by this CA.
pub fn renew_server(folder: &Path, ca: &Issuer<'_, KeyPair>) {
    let key = KeyPair::generate().unwrap();
    let mut server = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    server.subject_alt_names.push(SanType::IpAddress([127, 0, 0, 1].into()));
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    store(folder, "server", &server.signed_by(&key, ca).unwrap(), &key);
}

/// A file takes the place of the one before at once, as careful renewals do.
fn store(folder: &Path, name: &str, certificate: &Certificate, key: &KeyPair) {
    for (name, text) in
        [(format!("{name}.crt"), certificate.pem()), (format!("{name}.key"), key.serialize_pem())]
    {
        fs::write(folder.join("new"), text).unwrap();
        fs::rename(folder.join("new"), folder.join(name)).unwrap();
    }
}
