// What the page says, in the languages that the edge leads people to.

const WORDS = {
  en: {
    title: "English", motto: "One conversation, every continent", skip: "Skip to writing",
    journey: "Your way to this conversation", you: "You", edge: "edge location", region: "region", roundTrip: "round trip",
    rooms: "Rooms", newRoom: "New room", open: "Open", language: "Language", theme: "Light or dark",
    earlier: "Earlier messages", newer: "New messages ↓", empty: "Nobody has said anything here yet.",
    emptyHint: "Say hello; the whole world can hear it.", as: "Writing as", name: "your name", message: "Message",
    send: "Send", sending: "sending…", now: "now", retry: "Send again", failed: "not sent",
    lost: "The connection is gone. Trying again; what you write is kept and sent as soon as it is back.",
    moved: "{to} answers you now. Before: {from}.", badRoom: "A room’s name has lower-case letters, digits and hyphens.",
    globe: "Globe: you reach {region} through {edge}",
  },
  de: {
    title: "Deutsch", motto: "Ein Gespräch, alle Kontinente", skip: "Direkt zum Schreiben",
    journey: "Dein Weg zu diesem Gespräch", you: "Du", edge: "Edge-Standort", region: "Region", roundTrip: "hin und zurück",
    rooms: "Räume", newRoom: "Neuer Raum", open: "Öffnen", language: "Sprache", theme: "Hell oder dunkel",
    earlier: "Frühere Nachrichten", newer: "Neue Nachrichten ↓", empty: "Hier hat noch niemand etwas gesagt.",
    emptyHint: "Sag hallo; die ganze Welt kann es hören.", as: "Du schreibst als", name: "dein Name", message: "Nachricht",
    send: "Senden", sending: "wird gesendet…", now: "jetzt", retry: "Noch einmal senden", failed: "nicht gesendet",
    lost: "Die Verbindung ist weg. Neuer Versuch läuft; was du schreibst, bleibt und wird gesendet, sobald sie zurück ist.",
    moved: "Jetzt antwortet dir {to}. Vorher: {from}.", badRoom: "Raumnamen haben kleine Buchstaben, Ziffern und Bindestriche.",
    globe: "Globus: du erreichst {region} über {edge}",
  },
  es: {
    title: "Español", motto: "Una conversación, todos los continentes", skip: "Ir a escribir",
    journey: "Tu camino a esta conversación", you: "Tú", edge: "punto de presencia", region: "región", roundTrip: "ida y vuelta",
    rooms: "Salas", newRoom: "Sala nueva", open: "Abrir", language: "Idioma", theme: "Claro u oscuro",
    earlier: "Mensajes anteriores", newer: "Mensajes nuevos ↓", empty: "Aquí nadie ha dicho nada todavía.",
    emptyHint: "Saluda; el mundo entero puede oírte.", as: "Escribes como", name: "tu nombre", message: "Mensaje",
    send: "Enviar", sending: "enviando…", now: "ahora", retry: "Enviar otra vez", failed: "sin enviar",
    lost: "Se perdió la conexión. Volviendo a intentarlo; lo que escribas se guarda y se envía en cuanto vuelva.",
    moved: "Ahora te responde {to}. Antes: {from}.", badRoom: "El nombre de una sala lleva minúsculas, cifras y guiones.",
    globe: "Globo: llegas a {region} por {edge}",
  },
  fr: {
    title: "Français", motto: "Une conversation, tous les continents", skip: "Aller à la saisie",
    journey: "Ton chemin vers cette conversation", you: "Toi", edge: "point de présence", region: "région", roundTrip: "aller-retour",
    rooms: "Salons", newRoom: "Nouveau salon", open: "Ouvrir", language: "Langue", theme: "Clair ou sombre",
    earlier: "Messages précédents", newer: "Nouveaux messages ↓", empty: "Personne n’a encore parlé ici.",
    emptyHint: "Dis bonjour ; le monde entier t’entend.", as: "Tu écris en tant que", name: "ton nom", message: "Message",
    send: "Envoyer", sending: "envoi…", now: "maintenant", retry: "Renvoyer", failed: "non envoyé",
    lost: "La connexion est perdue. Nouvel essai en cours ; ce que tu écris est gardé et partira dès son retour.",
    moved: "{to} te répond maintenant. Avant : {from}.", badRoom: "Le nom d’un salon a des minuscules, des chiffres et des tirets.",
    globe: "Globe : tu atteins {region} par {edge}",
  },
  ja: {
    title: "日本語", motto: "ひとつの会話を、すべての大陸で", skip: "入力欄へ移動",
    journey: "この会話までの道のり", you: "あなた", edge: "エッジロケーション", region: "リージョン", roundTrip: "往復時間",
    rooms: "ルーム", newRoom: "新しいルーム", open: "開く", language: "言語", theme: "ライト／ダーク",
    earlier: "以前のメッセージ", newer: "新着メッセージ ↓", empty: "まだ誰も発言していません。",
    emptyHint: "あいさつしてみましょう。世界中に届きます。", as: "名前", name: "あなたの名前", message: "メッセージ",
    send: "送信", sending: "送信中…", now: "たった今", retry: "再送信", failed: "未送信",
    lost: "接続が切れました。再接続しています。書いた内容は保存され、つながり次第送信されます。",
    moved: "{to} が応答しています（以前は {from}）。", badRoom: "ルーム名には英小文字、数字、ハイフンが使えます。",
    globe: "地球儀：{edge} 経由で {region} につながっています",
  },
  pt: {
    title: "Português", motto: "Uma conversa, todos os continentes", skip: "Ir para a escrita",
    journey: "Seu caminho até esta conversa", you: "Você", edge: "ponto de presença", region: "região", roundTrip: "ida e volta",
    rooms: "Salas", newRoom: "Sala nova", open: "Abrir", language: "Idioma", theme: "Claro ou escuro",
    earlier: "Mensagens anteriores", newer: "Novas mensagens ↓", empty: "Ninguém disse nada aqui ainda.",
    emptyHint: "Diga olá; o mundo inteiro pode ouvir.", as: "Escrevendo como", name: "seu nome", message: "Mensagem",
    send: "Enviar", sending: "enviando…", now: "agora", retry: "Enviar de novo", failed: "não enviada",
    lost: "A conexão caiu. Tentando de novo; o que você escrever fica guardado e será enviado assim que ela voltar.",
    moved: "Agora {to} responde a você. Antes: {from}.", badRoom: "O nome de uma sala tem letras minúsculas, números e hífens.",
    globe: "Globo: você chega a {region} por {edge}",
  },
};

export const LANGUAGES = Object.entries(WORDS).map(([code, words]) => ({ code, title: words.title }));

/** The language in an address such as /ja/rooms/lobby, else the browser's, else English. */
export function languageOf(path) {
  const wanted = [path.split("/")[1], ...navigator.languages.map((tag) => tag.split("-")[0])];
  return wanted.find((code) => code in WORDS) ?? "en";
}

/** A function from a word's key, and values for its {holes}, to the text. */
export function wordsOf(language) {
  return (key, values = {}) => WORDS[language][key].replace(/\{(\w+)\}/g, (_, hole) => values[hole] ?? "…");
}

/** Put a language's words where the document asks for them: data-word, data-placeholder, data-label. */
export function speak(word) {
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = word(element.dataset.word);
  for (const element of document.querySelectorAll("[data-placeholder]")) element.placeholder = word(element.dataset.placeholder);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", word(element.dataset.label));
}

/** A function from milliseconds to a short age in a language: 12 s, 3 min. */
export function agesIn(language, word) {
  const steps = [["day", 86_400_000], ["hour", 3_600_000], ["minute", 60_000], ["second", 1000]].map(([unit, size]) => [
    size,
    new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: unit === "day" ? "short" : "narrow" }),
  ]);
  return (milliseconds) => {
    const step = steps.find(([size]) => milliseconds >= size);
    return step && milliseconds >= 3000 ? step[1].format(Math.floor(milliseconds / step[0])) : word("now");
  };
}
