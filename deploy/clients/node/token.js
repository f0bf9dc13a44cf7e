'use strict';
// Tokens of the contract, read and signed, with node:crypto alone. RFC 7515, 8725; docs/contract.md, ../vectors.json.

const crypto = require('node:crypto');

const ALGORITHMS = { EC: 'ES256', OKP: 'EdDSA', oct: 'HS256' };
const MOST_TOKEN = 4096, MOST_LIFE = 300, LEEWAY = 60;
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

class BadToken extends Error { constructor(reason) { super(reason); this.reason = reason; } }
const demand = (holds, reason) => { if (!holds) throw new BadToken(reason); };

// How many names are in it; throws URIError for half a surrogate pair.
function namesIn(value) {
  if (typeof value === 'string') encodeURIComponent(value);
  if (value === null || typeof value !== 'object') return 0;
  const own = Array.isArray(value) ? 0 : Object.keys(value).length;
  return Object.values(value).reduce((sum, inner) => sum + namesIn(inner), own);
}

// The JSON object of a token's part, in which no name stands twice: JSON.parse takes the last, others the first.
function object(part) {
  let said, text, names;
  try {
    text = utf8.decode(Buffer.from(part, 'base64url'));
    said = JSON.parse(text);
    names = namesIn(said);
  } catch { demand(false, 'malformed'); }
  const written = [...text.matchAll(/"(?:[^"\\]|\\.)*"(\s*:)?/g)].filter((found) => found[1]).length;
  demand(said && typeof said === 'object' && !Array.isArray(said) && names === written, 'malformed');
  return said;
}

// A JWKS as kid -> {alg, key}: the key decides the algorithm, what a token says of it is compared, never obeyed.
function readKeys(jwks) {
  return new Map(jwks.keys.map((jwk) => {
    const alg = ALGORITHMS[jwk.kty];
    const secret = alg === 'HS256' && Buffer.from(jwk.k, 'base64url');
    const good = alg && (jwk.alg ?? alg) === alg && (!secret || secret.length >= 32);
    if (!good) throw new Error(`key ${jwk.kid} cannot be used`);
    return [jwk.kid, { alg, key: secret || crypto.createPublicKey({ key: jwk, format: 'jwk' }) }];
  }));
}

const sign = (alg, key, said) => alg === 'HS256' ? crypto.createHmac('sha256', key).update(said).digest()
  : crypto.sign(alg === 'ES256' ? 'sha256' : null, said, { key, dsaEncoding: 'ieee-p1363' });

function genuine(alg, key, said, signature) {
  const form = { key, dsaEncoding: 'ieee-p1363' };
  if (alg !== 'HS256') return crypto.verify(alg === 'ES256' ? 'sha256' : null, said, form, signature);
  const right = sign(alg, key, said);
  return right.length === signature.length && crypto.timingSafeEqual(right, signature);
}

// The claims of a token that is believed, `now` in seconds. Throws BadToken.
function readClaims(token, { keys, issuer, audience, typ, now }) {
  demand(token.length <= MOST_TOKEN, 'oversized');
  demand(/^[\w-]+\.[\w-]+\.[\w-]*$/.test(token) && !token.endsWith('\n'), 'malformed');
  const [first, payload, signature] = token.split('.');
  const head = object(first);
  demand(Object.values(ALGORITHMS).includes(head.alg), 'alg');
  demand(typ.includes(String(head.typ ?? '').toLowerCase()), 'typ');
  demand(!('crit' in head || 'b64' in head), 'malformed');
  const key = keys.get(head.kid);
  demand(key, 'kid');
  demand(head.alg === key.alg, 'alg');
  demand(genuine(key.alg, key.key, Buffer.from(`${first}.${payload}`), Buffer.from(signature, 'base64url')), 'forged');
  const claims = object(payload);
  demand(claims.iss === issuer, 'issuer');
  demand(claims.aud === audience, 'audience');
  const begins = claims.nbf === undefined ? claims.iat : claims.nbf;
  demand([claims.iat, claims.exp, begins].every(Number.isFinite), 'malformed');
  demand(claims.exp > claims.iat && claims.exp - claims.iat <= MOST_LIFE, 'life');
  demand(Math.max(claims.iat, begins) <= now + LEEWAY, 'not_yet');
  demand(claims.exp > now - LEEWAY, 'expired');
  return claims;
}

module.exports = { BadToken, MOST_TOKEN, demand, object, readClaims, readKeys, sign };
