// Says what the Node client makes of each vector, as JSON: node judge.js CLIENT VECTORS
const fs = require('node:fs');
const { Client, BadToken, readClaims, readKeys } = require(process.argv[2]);

const given = JSON.parse(fs.readFileSync(process.argv[3], 'utf8'));
const { system, issuer, jwks, now } = given;
const client = new Client({ system, issuer, jwks });
const updateKeys = readKeys(given.update_jwks);

const judged = (read) => {
  try { return { reason: null, claims: read() }; } catch (bad) {
    if (!(bad instanceof BadToken)) throw bad;
    return { reason: bad.reason, claims: null };
  }
};
const update = (token) => readClaims(token, {
  keys: updateKeys, issuer: system, audience: issuer, typ: ['inseam-update+jwt', 'jwt', ''], now,
});

console.log(JSON.stringify({
  session_tokens: given.session_tokens.map(({ token }) => judged(() => client.read(token, now).claims)),
  updates: given.updates.map(({ token }) => judged(() => update(token))),
  made: given.update_keys.map((key) => given.made.map(({ sid, changes }) =>
    new Client({ system, issuer, jwks, update_key: key }).sign(sid, changes, now))),
}));
