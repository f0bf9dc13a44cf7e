<?php

// A small shop on the PHP client: php -S ADDRESS site.php, with CLIENT, SETTINGS and NOW in its environment.

require getenv('CLIENT');

$client = Inseam\Client::of(json_decode(getenv('SETTINGS'), true));
$inseam = Inseam\Visit::here($client, (int) getenv('NOW'));

switch ($_SERVER['REQUEST_URI']) {
    case '/plain':
        header('Cache-Control: public, max-age=60');
        echo 'for everybody';
        break;
    case '/badge':
        header('Vary: Accept');
        header('Vary: Accept-Encoding', false);
        header('Cache-Control: public, max-age=60');
        header('X-Own: 1');
        $visitor = $inseam->visitor;
        echo implode('|', [$visitor->sub, $visitor->name, $visitor->basket->count, $visitor->ctx->language]);
        break;
    case '/say':
        $inseam->login(7, 'Zoë');
        $inseam->setBasket(['id' => 'b8', 'count' => 1]);
        $inseam->setHandle('h');
        $inseam->orderPlaced(1007);
        break;
    case '/out':
        $inseam->login(7, 'Zoë');
        $inseam->logout();
        header('Location: /', true, 302);
        break;
    case '/much':
        try {
            $inseam->setHandle(str_repeat('x', 513));
        } catch (LengthException $error) {
            echo $error->getMessage();
        }
        break;
    case '/late':
        echo 'gone';
        flush();
        try {
            $inseam->visitor;
        } catch (LogicException $error) {
            echo ', ', $error->getMessage();
        }
        break;
}
