package dev.quire.tokenizer;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import dev.quire.format.ModelFileException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ChatTemplateFilesTest {
    @TempDir
    private Path folder;

    @Test
    void read_textInTokenizerConfig_isTheDefault() throws IOException {
        write(
                "tokenizer_config.json",
                "{\"chat_template\": \"one\", \"bos_token\": \"<s>\", \"eos_token\": null, \"pad_token\": \"<pad>\"}");
        write("special_tokens_map.json", "{\"eos_token\": {\"content\": \"</s>\"}}");
        assertEquals(
                new ChatTemplateFiles(
                        Map.of("default", "one"),
                        Map.of("bos_token", "<s>", "eos_token", "</s>", "pad_token", "<pad>")),
                ChatTemplateFiles.read(folder));
    }

    @Test
    void read_listInTokenizerConfig_hasNames() throws IOException {
        write(
                "tokenizer_config.json",
                "{\"chat_template\": [{\"name\": \"default\", \"template\": \"one\"}, "
                        + "{\"name\": \"tool_use\", \"template\": \"two\"}]}");
        assertEquals(
                Map.of("default", "one", "tool_use", "two"),
                ChatTemplateFiles.read(folder).templates());
    }

    @Test
    void read_fileOfItsOwn_comesFirst() throws IOException {
        write("tokenizer_config.json", "{\"chat_template\": \"one\"}");
        write("chat_template.json", "{\"chat_template\": \"two\"}");
        assertEquals(Map.of("default", "two"), ChatTemplateFiles.read(folder).templates());
        write("chat_template.jinja", "three\n");
        assertEquals(
                Map.of("default", "three\n"), ChatTemplateFiles.read(folder).templates());
    }

    @Test
    void read_nothing_hasNone() {
        assertEquals(
                new ChatTemplateFiles(Map.of(), Map.of("bos_token", "", "eos_token", "")),
                ChatTemplateFiles.read(folder));
    }

    @Test
    void read_templateThatIsNoText_isRefused() throws IOException {
        write("tokenizer_config.json", "{\"chat_template\": [1]}");
        assertEquals(
                "value must be a string: found=nothing, field=chat_template[0].name, file="
                        + folder.resolve("tokenizer_config.json"),
                assertThrows(ModelFileException.class, () -> ChatTemplateFiles.read(folder))
                        .getMessage());
    }

    private void write(String name, String content) throws IOException {
        Files.writeString(folder.resolve(name), content);
    }
}
