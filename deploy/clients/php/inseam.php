<?php

declare(strict_types=1);

// A system behind the Inseam edge, for PHP 8.1 or newer. No composer, no packages.
//
//   require 'inseam.php';
//   $inseam = Inseam\Visit::here(Inseam\Client::of(json_decode(file_get_contents('inseam.json'), true)));
//   echo $inseam->visitor->basket->count, ' in your basket';     // inseam keys export cms --format json > inseam.json
//
// The visitor is read when first asked for; an answer that used it is private, all others stay as they are.
// The rules are those of docs/contract.md, and ../vectors.json holds them.

namespace Inseam;

require_once __DIR__ . '/token.php';

const UPDATE_LIFE = 60;

final class Client
{
    private string $signWith = '';

    private function __construct(
        private string $system,
        private string $issuer,
        private array $keys,
        private ?array $updateKey,
    ) {
        if ($updateKey) {
            $this->signWith = $updateKey['alg'] === 'HS256' ? raw($updateKey['secret']) : $updateKey['private'];
        }
    }

    /** `jwks` is a JWKS as array or JSON, `update_key` {kid, alg, secret} or {kid, alg, private: PEM}; or INSEAM_*. */
    public static function of(array $said): self
    {
        $given = fn (string $name) => $said[$name] ?? $said['INSEAM_' . strtoupper($name)] ?? null;
        $read = fn (mixed $value) => is_string($value) ? json_decode($value, true, 16, JSON_THROW_ON_ERROR) : $value;
        $keys = read_keys($read($given('jwks')));
        return new self($given('system'), $given('issuer') ?? 'inseam', $keys, $read($given('update_key')));
    }

    /** The visitor of an Inseam-Session. Throws BadToken. */
    public function read(string $token, int $now): object
    {
        $claims = read_claims($token, $this->keys, $this->issuer, $this->system, ['inseam-session+jwt'], $now);
        demand(is_string($claims['sid'] ?? null) && $claims['sid'] !== '', 'sid');
        return visitor_of($claims);
    }

    /** The Inseam-Update that says what has changed; without the lines of a basket where they make it too long. */
    public function sign(string $sid, array $changes, int $now): string
    {
        $this->updateKey || throw new \LogicException('no update_key: `inseam keys export SYSTEM` prints it');
        strlen($changes['handle'] ?? '') <= 512 || throw new \LengthException('a handle has at most 512 bytes');
        $part = fn (array $value) => base64url(json_encode($value, JSON_THROW_ON_ERROR));
        $life = ['iat' => $now, 'exp' => $now + UPDATE_LIFE] + ($sid === '' ? [] : ['sid' => $sid]);
        $head = ['alg' => $this->updateKey['alg'], 'kid' => $this->updateKey['kid'], 'typ' => 'inseam-update+jwt'];
        $said = $part($head) . '.' . $part(['iss' => $this->system, 'aud' => $this->issuer] + $life + $changes);
        $token = $said . '.' . base64url(sign($this->updateKey['alg'], $this->signWith, $said));
        if (strlen($token) > MOST_TOKEN) {
            $lines = isset($changes['basket']['lines']);
            $lines || throw new \LengthException('an update has at most ' . MOST_TOKEN . ' characters');
            unset($changes['basket']['lines']);
            return $this->sign($sid, $changes, $now);
        }
        return $token;
    }
}

/** Claims of the kinds of those in `$missing`, which stand for null and for what is not there. */
function claims_of(array $claims, array $missing): array
{
    foreach ($missing as $name => $value) {
        $missing[$name] = $claims[$name] ?? $value;
        demand(gettype($missing[$name]) === gettype($value), 'claims');
        demand($missing[$name] === [] || !is_array($value) || !array_is_list($missing[$name]), 'claims');
    }
    return $missing;
}

function visitor_of(array $claims): object
{
    $texts = ['sid' => '', 'sub' => '', 'name' => '', 'handle' => '', 'order' => ''];
    $told = claims_of($claims, $texts + ['basket' => [], 'ctx' => [], 'receipt' => []]);
    $basket = ['id' => '', 'rev' => 0, 'count' => 0, 'total' => '', 'currency' => ''];
    $told['basket'] = (object) claims_of($told['basket'], $basket);
    $told['ctx'] = (object) claims_of($told['ctx'], ['language' => '', 'country' => '', 'device' => '']);
    return (object) (['receipt' => $told['receipt'] ?: null, 'claims' => $claims] + $told);
}

/** The visitor, and what this system has to say. @property-read object $visitor */
final class Visit
{
    private ?object $read = null;
    private array $changes = [];
    private bool $answered = false;

    public function __construct(private Client $client, private string $token, private ?int $now = null)
    {
    }

    /** The visit of the request that PHP answers. Its headers are set when PHP sends the others. */
    public static function here(Client $client, ?int $now = null): self
    {
        $visit = new self($client, $_SERVER['HTTP_INSEAM_SESSION'] ?? '', $now);
        header_register_callback(function () use ($visit): void {
            $set = fn (string $name) => implode(', ', array_map(
                fn (string $line) => trim(explode(':', $line, 2)[1]),
                array_filter(headers_list(), fn (string $line) => stripos($line, "$name:") === 0)
            ));
            foreach ($visit->headers($set('Vary'), $set('Cache-Control')) as $name => $value) {
                header("$name: $value");
            }
        });
        return $visit;
    }

    public function __get(string $name): object
    {
        if ($name !== 'visitor') {
            throw new \LogicException("a visit has no $name: perhaps ->visitor->$name");
        }
        if ($this->read === null) {
            !$this->answered || throw new \LogicException('asked for the visitor too late: a cache may keep the page');
            try {
                $guest = $this->token === '';
                $this->read = $guest ? visitor_of([]) : $this->client->read($this->token, $this->now ?? time());
            } catch (BadToken $bad) {
                error_log("inseam: Inseam-Session refused ({$bad->getMessage()}): the visitor is a guest here");
                $this->read = visitor_of([]);
            }
        }
        return $this->read;
    }

    /** Say what has changed: of sub, name, basket, order, handle, merged. One header tells it all, later wins. */
    public function update(array $changes): void
    {
        !$this->answered || throw new \LogicException('the headers are gone, so the edge cannot be told any more');
        $all = $changes + $this->changes;
        $this->client->sign(str_repeat('s', 22), $all, time()); // what cannot be said is told here, not at the end
        $this->changes = $all;
    }

    public function login(string|int $sub, string $name = ''): void
    {
        $this->update(['sub' => (string) $sub, 'name' => $name]);
    }

    public function logout(): void
    {
        $this->update(['sub' => null, 'name' => '']);
    }

    public function setBasket(?array $basket): void
    {
        $this->update(['basket' => $basket]);
    }

    public function orderPlaced(string|int $number): void
    {
        $this->update(['order' => (string) $number]);
    }

    public function setHandle(string $handle): void
    {
        $this->update(['handle' => $handle]);
    }

    /** The headers to set on the answer, given what it has so far: for frameworks with responses of their own. */
    public function headers(string $vary = '', string $cacheControl = ''): array
    {
        $sign = fn () => $this->client->sign($this->visitor->sid, $this->changes, $this->now ?? time());
        $update = $this->changes ? ['Inseam-Update' => $sign()] : [];
        $this->answered = true;
        if ($this->read === null) {
            return $update;
        }
        $list = fn (string $text) => array_values(array_filter(array_map(trim(...), explode(',', $text)), strlen(...)));
        $varies = $list($vary);
        if (!array_intersect(['*', 'inseam-session'], array_map(strtolower(...), $varies))) {
            $varies[] = 'Inseam-Session';
        }
        $kept = preg_grep('/^(public|private|s-maxage)\s*(=|$)/i', $list($cacheControl), PREG_GREP_INVERT);
        return $update + ['Vary' => implode(', ', $varies), 'Cache-Control' => implode(', ', [...$kept, 'private'])];
    }
}
