'use strict';
// A system behind the Inseam edge, for Node 18 or newer: Express, Connect or plain node:http. No packages.
//
//   const { inseam, clientOf } = require('./inseam');
//   app.use(inseam(clientOf(JSON.parse(fs.readFileSync('inseam.json')))));     // inseam keys export cms --format json
//   app.get('/', (req, res) => res.send(`${req.inseam.visitor.basket.count} in your basket`));
//
// req.inseam.visitor is read when first asked for; an answer that used it is private, all others stay as they are.
// The rules are those of docs/contract.md, and ../vectors.json holds them.

const crypto = require('node:crypto');
const { BadToken, MOST_TOKEN, demand, object, readClaims, readKeys, sign } = require('./token');

const UPDATE_LIFE = 60, FETCH_AGAIN = 60_000;

// A claim of the kind of `missing`, which stands for null and for one that is not there.
function claim(claims, name, missing) {
  const value = claims[name] ?? missing;
  demand(typeof value === typeof missing && !Array.isArray(value), 'claims');
  demand(typeof value !== 'number' || Number.isInteger(value), 'claims');
  return value;
}

const claimsOf = (claims, missing) => Object.fromEntries(
  Object.entries(missing).map(([name, value]) => [name, claim(claims, name, value)]),
);

function visitorOf(claims) {
  return {
    ...claimsOf(claims, { sid: '', sub: '', name: '', handle: '', order: '' }),
    basket: claimsOf(claim(claims, 'basket', {}), { id: '', rev: 0, count: 0, total: '', currency: '' }),
    ctx: claimsOf(claim(claims, 'ctx', {}), { language: '', country: '', device: '' }),
    receipt: claims.receipt == null ? null : claim(claims, 'receipt', {}),
    claims,
  };
}

const GUEST = visitorOf({ sid: '' });

class Client {
  // `jwks` is a JWKS, as object or JSON, or its address; `update_key` {kid, alg, secret} or {kid, alg, private: PEM}.
  constructor({ system, jwks, update_key: updateKey, issuer = 'inseam' }) {
    const url = typeof jwks === 'string' && /^https?:/.test(jwks) ? jwks : '';
    Object.assign(this, { system, issuer, url, updateKey, fetched: -Infinity, fetching: null });
    this.keys = url ? new Map() : readKeys(typeof jwks === 'string' ? JSON.parse(jwks) : jwks);
    if (updateKey?.alg === 'HS256') this.signWith = Buffer.from(updateKey.secret, 'base64url');
    else if (updateKey) this.signWith = crypto.createPrivateKey(updateKey.private);
  }

  // Fetch the edge's keys when a token names one that is not known: once a minute at most, and for two seconds.
  prepare(token) {
    if (!this.url || !token || Date.now() - this.fetched < FETCH_AGAIN) return null;
    try { if (this.keys.has(object(token.split('.')[0]).kid)) return null; } catch { return null; }
    this.fetching ??= fetch(this.url, { signal: AbortSignal.timeout(2000) }).then((answer) => answer.json())
      .then((jwks) => { this.keys = readKeys(jwks); })
      .catch((error) => console.warn(`inseam: the edge's keys cannot be had from ${this.url}: ${error.message}`))
      .finally(() => { this.fetched = Date.now(); this.fetching = null; });
    return this.fetching; // whoever comes meanwhile waits for the same answer
  }

  read(token, now) {
    const wanted = { issuer: this.issuer, audience: this.system, typ: ['inseam-session+jwt'] };
    const claims = readClaims(token, { keys: this.keys, now, ...wanted });
    demand(claims.sid && typeof claims.sid === 'string', 'sid');
    return visitorOf(claims);
  }

  // The Inseam-Update that says what has changed; without the lines of a basket where they make it too long.
  sign(sid, changes, now) {
    if (!this.updateKey) throw new Error('no update_key: `inseam keys export SYSTEM` prints it');
    if (Buffer.byteLength(changes.handle ?? '') > 512) throw new RangeError('a handle has at most 512 bytes');
    const { alg, kid } = this.updateKey;
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const life = { iat: now, exp: now + UPDATE_LIFE, ...(sid && { sid }) };
    const claims = { iss: this.system, aud: this.issuer, ...life, ...changes };
    const said = `${part({ alg, kid, typ: 'inseam-update+jwt' })}.${part(claims)}`;
    const token = `${said}.${sign(alg, this.signWith, Buffer.from(said)).toString('base64url')}`;
    if (token.length <= MOST_TOKEN) return token;
    if (!changes.basket?.lines) throw new RangeError(`an update has at most ${MOST_TOKEN} characters`);
    return this.sign(sid, { ...changes, basket: { ...changes.basket, lines: undefined } }, now);
  }
}

// req.inseam: the visitor, and what this system has to say.
class Visit {
  constructor(client, token, clock) {
    Object.assign(this, { client, token, clock, changes: null, answered: false, read: null });
  }

  get visitor() {
    if (this.read) return this.read;
    if (this.answered) throw new Error('the visitor is asked for too late: a cache may keep the page');
    try { this.read = this.token ? this.client.read(this.token, this.clock()) : GUEST; } catch (bad) {
      if (!(bad instanceof BadToken)) throw bad;
      console.warn(`inseam: Inseam-Session refused (${bad.reason}): the visitor is a guest here`);
      this.read = GUEST;
    }
    return this.read;
  }

  update(changes) {
    if (this.answered) throw new Error('the headers are gone, so the edge cannot be told any more');
    const all = { ...this.changes, ...changes };
    this.client.sign('s'.repeat(22), all, this.clock()); // what cannot be said is told here, not at the end
    this.changes = all;
  }
  login(sub, name = '') { this.update({ sub: String(sub), name }); }
  logout() { this.update({ sub: null, name: undefined }); }
  setBasket(basket) { this.update({ basket }); }
  orderPlaced(number) { this.update({ order: String(number) }); }
  setHandle(handle) { this.update({ handle }); }

  // The headers to set on the answer, given what it has so far.
  headers(vary = '', cacheControl = '') {
    const found = {};
    if (this.changes) found['Inseam-Update'] = this.client.sign(this.visitor.sid, this.changes, this.clock());
    this.answered = true;
    if (!this.read) return found;
    const list = (text) => String(text).split(',').map((each) => each.trim()).filter(Boolean);
    const varies = list(vary);
    if (!varies.some((name) => ['*', 'inseam-session'].includes(name.toLowerCase()))) varies.push('Inseam-Session');
    const kept = list(cacheControl).filter((each) => !/^(public|private|s-maxage)\s*(=|$)/i.test(each));
    return { ...found, Vary: varies.join(', '), 'Cache-Control': [...kept, 'private'].join(', ') };
  }
}

// The middleware. The headers are set at the last moment, whoever sends them.
function inseam(client, clock = () => Math.floor(Date.now() / 1000)) {
  return (req, res, next) => {
    const token = req.headers['inseam-session'] ?? '';
    const visit = req.inseam = new Visit(client, token, clock);
    const writeHead = res.writeHead;
    res.writeHead = function (status, ...rest) {
      const given = typeof rest.at(-1) === 'object' ? rest.pop() : null;
      for (const [name, value] of Object.entries(given ?? {})) this.setHeader(name, value);
      if (!visit.answered) {
        const ours = visit.headers(this.getHeader('vary') ?? '', this.getHeader('cache-control') ?? '');
        for (const [name, value] of Object.entries(ours)) this.setHeader(name, value);
      }
      return writeHead.call(this, status, ...rest);
    };
    const waits = client.prepare(token);
    if (waits) waits.then(() => next()); else next();
  };
}

const clientOf = (said) => new Client(said.system ? said : {
  system: said.INSEAM_SYSTEM, jwks: said.INSEAM_JWKS, issuer: said.INSEAM_ISSUER,
  update_key: said.INSEAM_UPDATE_KEY && JSON.parse(said.INSEAM_UPDATE_KEY),
});

module.exports = { BadToken, Client, Visit, clientOf, inseam, readClaims, readKeys };
