<?php

// Says what the PHP client makes of each vector, as JSON: php judge.php CLIENT VECTORS

require $argv[1];

$given = json_decode(file_get_contents($argv[2]), true);
['system' => $system, 'issuer' => $issuer, 'jwks' => $jwks, 'now' => $now] = $given;
$client = Inseam\Client::of(['system' => $system, 'issuer' => $issuer, 'jwks' => $jwks]);
$updateKeys = Inseam\read_keys($given['update_jwks']);

$judged = function (callable $read): array {
    try {
        return ['reason' => null, 'claims' => $read()];
    } catch (Inseam\BadToken $bad) {
        return ['reason' => $bad->getMessage(), 'claims' => null];
    }
};
$session = fn (array $one) => $judged(fn () => $client->read($one['token'], $now)->claims);
$types = ['inseam-update+jwt', 'jwt', ''];
$update = fn (array $one) => $judged(fn () => Inseam\read_claims($one['token'], $updateKeys, $system, $issuer, $types, $now));
$made = function (array $key) use ($given, $system, $issuer, $jwks, $now): array {
    $client = Inseam\Client::of(['system' => $system, 'issuer' => $issuer, 'jwks' => $jwks, 'update_key' => $key]);
    return array_map(fn (array $one) => $client->sign($one['sid'], $one['changes'], $now), $given['made']);
};

echo json_encode([
    'session_tokens' => array_map($session, $given['session_tokens']),
    'updates' => array_map($update, $given['updates']),
    'made' => array_map($made, $given['update_keys']),
]);
