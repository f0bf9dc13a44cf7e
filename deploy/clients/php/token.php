<?php

declare(strict_types=1);

// Tokens of the contract, read and signed, with what PHP 8.1 brings (hash, openssl; sodium for EdDSA). RFC 7515, 8725;
// docs/contract.md, ../vectors.json.

namespace Inseam;

const ALGORITHMS = ['EC' => 'ES256', 'OKP' => 'EdDSA', 'oct' => 'HS256'];
const MOST_TOKEN = 4096;
const MOST_LIFE = 300;
const LEEWAY = 60;

/** A token that cannot be believed; the message is one word for counters. The visitor is a guest whatever it is. */
final class BadToken extends \Exception
{
}

function demand(bool $holds, string $reason): void
{
    $holds || throw new BadToken($reason);
}

function base64url(string $raw): string
{
    return rtrim(strtr(base64_encode($raw), '+/', '-_'), '=');
}

function raw(string $text): string
{
    $raw = base64_decode(strtr($text, '-_', '+/'), true);
    demand($raw !== false, 'malformed');
    return $raw;
}

function names_in(mixed $value): int
{
    $inner = is_object($value) ? get_object_vars($value) : (is_array($value) ? $value : []);
    return array_sum(array_map(names_in(...), $inner)) + (is_object($value) ? count($inner) : 0);
}

/** The JSON object of a token's part, in which no name stands twice: json_decode takes the last, others the first. */
function object(string $part): array
{
    $said = json_decode($text = raw($part), false, 16);
    preg_match_all('/"(?:[^"\\\\]|\\\\.)*+"(\s*:)?/', $text, $found);
    demand(is_object($said) && names_in($said) === count(array_filter($found[1])), 'malformed');
    return json_decode($text, true);
}

/** A JWKS as kid => [alg, key]: the key decides the algorithm; what a token says of it is compared, never obeyed. */
function read_keys(array $jwks): array
{
    $keys = [];
    foreach ($jwks['keys'] as $jwk) {
        $alg = ALGORITHMS[$jwk['kty']] ?? '';
        $key = match ($alg) {
            'HS256' => raw($jwk['k']),
            'EdDSA' => raw($jwk['x']),
            'ES256' => "-----BEGIN PUBLIC KEY-----\n" . base64_encode(
                hex2bin('3059301306072a8648ce3d020106082a8648ce3d03010703420004') . raw($jwk['x']) . raw($jwk['y'])
            ) . "\n-----END PUBLIC KEY-----\n",
            default => '',
        };
        if (($jwk['alg'] ?? $alg) !== $alg || strlen($key) < 32) {
            throw new \InvalidArgumentException("key {$jwk['kid']} cannot be used");
        }
        $keys[$jwk['kid']] = [$alg, $key];
    }
    return $keys;
}

function genuine(string $alg, string $key, string $said, string $signature): bool
{
    if ($alg === 'HS256') {
        return hash_equals(hash_hmac('sha256', $said, $key, true), $signature);
    }
    if (strlen($signature) !== 64) {
        return false;
    }
    if ($alg === 'EdDSA') {
        return sodium_crypto_sign_verify_detached($signature, $said, $key);
    }
    $number = function (string $half): string { // a DER integer
        $half = ltrim($half, "\0");
        $half = $half === '' || ord($half[0]) > 127 ? "\0$half" : $half;
        return "\x02" . chr(strlen($half)) . $half;
    };
    $both = $number(substr($signature, 0, 32)) . $number(substr($signature, 32));
    return openssl_verify($said, "\x30" . chr(strlen($both)) . $both, $key, OPENSSL_ALGO_SHA256) === 1;
}

/** `$key` is a secret's bytes, or a private key as PEM. */
function sign(string $alg, string $key, string $said): string
{
    if ($alg === 'HS256') {
        return hash_hmac('sha256', $said, $key, true);
    }
    if ($alg === 'EdDSA') { // the seed is the end of the PEM's PKCS 8
        $seed = substr(base64_decode(preg_replace('/-----.*?-----|\s/', '', $key)), -32);
        return sodium_crypto_sign_detached($said, sodium_crypto_sign_secretkey(sodium_crypto_sign_seed_keypair($seed)));
    }
    openssl_sign($said, $der, $key, OPENSSL_ALGO_SHA256) || throw new \InvalidArgumentException('no key of P-256');
    $r = substr($der, 4, ord($der[3]));
    $s = substr($der, 6 + ord($der[3]));
    return implode('', array_map(fn ($half) => str_pad(ltrim($half, "\0"), 32, "\0", STR_PAD_LEFT), [$r, $s]));
}

/** The claims of a token that is believed; `$now` in seconds since the epoch. Throws BadToken. */
function read_claims(string $token, array $keys, string $issuer, string $audience, array $typ, int $now): array
{
    demand(strlen($token) <= MOST_TOKEN, 'oversized');
    demand(preg_match('/^[\w-]+\.[\w-]+\.[\w-]*$/D', $token) === 1, 'malformed');
    [$first, $payload, $signature] = explode('.', $token);
    $head = object($first);
    $kid = $head['kid'] ?? null;
    demand(in_array($head['alg'] ?? '', ALGORITHMS, true), 'alg');
    demand(is_string($head['typ'] ?? '') && in_array(strtolower($head['typ'] ?? ''), $typ, true), 'typ');
    demand(!array_intersect_key($head, ['crit' => 1, 'b64' => 1]), 'malformed');
    demand(is_string($kid) && isset($keys[$kid]), 'kid');
    [$alg, $key] = $keys[$kid];
    demand($head['alg'] === $alg, 'alg');
    demand(genuine($alg, $key, "$first.$payload", raw($signature)), 'forged');
    $claims = object($payload);
    $claims += ['iat' => null, 'exp' => null];
    $from = array_key_exists('nbf', $claims) ? 'nbf' : 'iat';
    $times = [$iat, $exp, $begins] = [$claims['iat'], $claims['exp'], $claims[$from]];
    demand(($claims['iss'] ?? null) === $issuer, 'issuer');
    demand(($claims['aud'] ?? null) === $audience, 'audience');
    demand(array_filter($times, fn ($time) => is_int($time) || is_float($time)) === $times, 'malformed');
    demand($exp > $iat && $exp - $iat <= MOST_LIFE, 'life');
    demand(max($iat, $begins) <= $now + LEEWAY, 'not_yet');
    demand($exp > $now - LEEWAY, 'expired');
    return $claims;
}
